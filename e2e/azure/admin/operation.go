package admin

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"akv-injector/e2e/azure/arm"
	"akv-injector/e2e/azure/reply"
	"akv-injector/e2e/azure/vault"
)

// operation is one call of the admin API; the client and the handlers share it.
type operation[In, Out any] struct{ name string }

// nothing is the input or output of an operation that has none.
type nothing struct{}

// maxBody is more than any input needs.
const maxBody = 4 << 20

// serve answers an operation with the result of do.
func (o operation[In, Out]) serve(mux *http.ServeMux, do func(context.Context, In) (Out, error)) {
	mux.HandleFunc("POST /"+o.name, func(w http.ResponseWriter, r *http.Request) {
		var in In
		decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&in); err != nil && !errors.Is(err, io.EOF) {
			refuse(w, arm.BadRequest("The body is not what %s takes: %s.", o.name, err))
			return
		}
		out, err := do(r.Context(), in)
		if err != nil {
			refuse(w, err)
			return
		}
		reply.JSON(w, http.StatusOK, out)
	})
}

// call asks a server for an operation.
func (o operation[In, Out]) call(ctx context.Context, c *Client, in In) (out Out, err error) {
	err = c.post(ctx, o.name, in, &out)
	return out, err
}

// refuse answers with the error, and with the status that fits its code.
func refuse(w http.ResponseWriter, err error) {
	refusal := &arm.Error{Code: arm.CodeBadRequest, Message: err.Error()}
	status := http.StatusBadRequest
	var fromVault *vault.StatusError
	switch {
	case errors.As(err, &refusal):
		switch refusal.Code {
		case arm.CodeNotFound:
			status = http.StatusNotFound
		case arm.CodeConflict:
			status = http.StatusConflict
		}
	case errors.As(err, &fromVault):
		refusal.Code, refusal.Message = fromVault.Code, fromVault.Message
		status = fromVault.Status
	}
	reply.JSON(w, status, map[string]any{"error": refusal})
}
