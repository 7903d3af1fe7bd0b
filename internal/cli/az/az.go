// Package az reads what Azure Resource Manager has, with the program az and as its user is logged in.
package az

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	"akv-injector/internal/text"
)

// Reader asks each question once.
type Reader struct{ answers map[string]answer }

type answer struct {
	text []byte
	err  error
}

// Timeout of each call: az itself takes a second or two.
const Timeout = 30 * time.Second

// Identity is a user-assigned managed identity.
type Identity struct {
	Name        string `json:"name"`
	Group       string `json:"resourceGroup"`
	ClientID    string `json:"clientId"`
	PrincipalID string `json:"principalId"`
}

// Credential is a federated credential of an identity.
type Credential struct {
	Name      string   `json:"name"`
	Issuer    string   `json:"issuer"`
	Subject   string   `json:"subject"`
	Audiences []string `json:"audiences"`
}

// Assignment is a role assignment.
type Assignment struct {
	Role      string `json:"roleDefinitionName"`
	RoleID    string `json:"roleDefinitionId"`
	Scope     string `json:"scope"`
	Condition string `json:"condition"`
}

// Role is a role's definition, as far as it is about data.
type Role struct {
	Permissions []struct {
		DataActions    []string `json:"dataActions"`
		NotDataActions []string `json:"notDataActions"`
	} `json:"permissions"`
}

// Vault is a key vault.
type Vault struct {
	ID         string `json:"id"`
	Properties struct {
		// RBAC is not set, or false, for a vault that takes access policies.
		RBAC *bool `json:"enableRbacAuthorization"`
	} `json:"properties"`
}

// IdentitiesOf are the managed identities of a client id in the subscription: one, or none.
func (r *Reader) IdentitiesOf(ctx context.Context, clientID string) ([]Identity, error) {
	return ask[[]Identity](ctx, r, "identity", "list", "--query", "[?clientId=='"+clientID+"']")
}

// Credentials are the federated credentials of an identity.
func (r *Reader) Credentials(ctx context.Context, i *Identity) ([]Credential, error) {
	return ask[[]Credential](ctx, r, "identity", "federated-credential", "list", "--identity-name", i.Name, "--resource-group", i.Group)
}

// Assignments are the role assignments of a principal, and of its groups, in the subscription. Those of management groups above it are not listed.
func (r *Reader) Assignments(ctx context.Context, principalID string) ([]Assignment, error) {
	return ask[[]Assignment](ctx, r, "role", "assignment", "list", "--all", "--include-groups", "--assignee", principalID)
}

// RoleOf is the definition of an assignment's role.
func (r *Reader) RoleOf(ctx context.Context, a *Assignment) (*Role, error) {
	found, err := ask[[]Role](ctx, r, "role", "definition", "list", "--name", a.RoleID[strings.LastIndex(a.RoleID, "/")+1:])
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("the role %s is not there", text.Shorten(a.Role))
	}
	return &found[0], nil
}

// VaultOf finds a vault by its name.
func (r *Reader) VaultOf(ctx context.Context, name string) (*Vault, error) {
	v, err := ask[Vault](ctx, r, "keyvault", "show", "--name", name)
	return &v, err
}

func ask[T any](ctx context.Context, r *Reader, args ...string) (value T, err error) {
	key := strings.Join(args, "\x00")
	if _, asked := r.answers[key]; !asked {
		if r.answers == nil {
			r.answers = map[string]answer{}
		}
		out, err := run(ctx, args)
		r.answers[key] = answer{out, err}
	}
	known := r.answers[key]
	if known.err != nil {
		return value, known.err
	}
	if err := json.Unmarshal(known.text, &value); err != nil {
		return value, fmt.Errorf("az %s: its answer cannot be read", strings.Join(args[:2], " "))
	}
	return value, nil
}

// run runs az, without a shell. Its arguments are ours, or plain.
func run(ctx context.Context, args []string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	command := exec.CommandContext(ctx, "az", append(slices.Clone(args), "--only-show-errors", "--output", "json")...)
	command.WaitDelay = time.Second // what it has started ends with it
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	switch err := command.Run(); {
	case errors.Is(err, exec.ErrNotFound):
		return nil, errors.New("az is not on PATH")
	case ctx.Err() != nil:
		return nil, fmt.Errorf("az does not answer within %s", Timeout)
	case err != nil:
		said := text.Line(strings.Join(strings.Fields(stderr.String()), " "), 300)
		return nil, fmt.Errorf("az %s: %s", strings.Join(args[:2], " "), said)
	}
	return stdout.Bytes(), nil
}

// Allows reports whether the role allows an action on data.
func (r *Role) Allows(action string) bool {
	for _, p := range r.Permissions {
		if anyMatches(p.DataActions, action) && !anyMatches(p.NotDataActions, action) {
			return true
		}
	}
	return false
}

func anyMatches(patterns []string, action string) bool {
	for _, p := range patterns {
		if matches(strings.ToLower(p), strings.ToLower(action)) {
			return true
		}
	}
	return false
}

// matches reports whether an action fits a pattern, in which * stands for anything, slashes too.
func matches(pattern, action string) bool {
	parts := strings.Split(pattern, "*")
	rest, ok := strings.CutPrefix(action, parts[0])
	if !ok {
		return false
	}
	if len(parts) == 1 {
		return rest == ""
	}
	last := parts[len(parts)-1]
	for _, part := range parts[1 : len(parts)-1] {
		if _, rest, ok = strings.Cut(rest, part); !ok {
			return false
		}
	}
	return strings.HasSuffix(rest, last)
}

// Covers reports whether a scope is a resource, or above it.
func Covers(scope, resource string) bool {
	scope, resource = strings.ToLower(strings.TrimSuffix(scope, "/")), strings.ToLower(resource)
	return scope == resource || strings.HasPrefix(resource, scope+"/")
}
