package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"

	"akv-injector/e2e/azure/arm"
)

// Client calls the operations of a stand-in that runs in another process.
type Client struct {
	socket string
	http   *http.Client
}

// NewClient returns a client of the stand-in at an admin socket.
func NewClient(socket string) *Client {
	return &Client{socket: socket, http: &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
	}}}
}

func (c *Client) post(ctx context.Context, name string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://azure/"+name, bytes.NewReader(body))
	if err != nil {
		return err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return fmt.Errorf("stand-in for Azure at %s: %w", c.socket, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		var refusal struct {
			Error *arm.Error `json:"error"`
		}
		if err := json.NewDecoder(response.Body).Decode(&refusal); err != nil || refusal.Error == nil {
			return fmt.Errorf("stand-in for Azure at %s: %s: %s", c.socket, name, response.Status)
		}
		return refusal.Error
	}
	if err := json.NewDecoder(response.Body).Decode(out); err != nil {
		return fmt.Errorf("stand-in for Azure at %s: %s: %w", c.socket, name, err)
	}
	return nil
}
