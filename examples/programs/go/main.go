// A program that serves what its secret is now: it opens the file anew each time, and so needs no restart when the secret is rotated. What a database's
// driver asks for when it makes a connection is read in the same way.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
	"time"
)

// password reads the file that DB_PASSWORD_FILE names. The path stays, and what is behind it is replaced: a file that is kept open has the old content.
func password() (string, error) {
	content, err := os.ReadFile(os.Getenv("DB_PASSWORD_FILE"))
	return strings.TrimSpace(string(content)), err
}

func main() {
	http.HandleFunc("/length", func(w http.ResponseWriter, _ *http.Request) {
		value, err := password()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		// Never the value itself.
		fmt.Fprintln(w, len(value))
	})
	server := &http.Server{Addr: ":8080", ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServe())
}
