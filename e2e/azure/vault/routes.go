package vault

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// route is one request of the data plane: what it looks like, which right it
// takes, and what answers it. A nil serve is a request that Azure has and the
// stand-in does not.
type route struct {
	method string
	path   string // segments, of which {name} and {version} stand for any
	action string // below Microsoft.KeyVault/vaults/
	serve  func(*call) (any, error)
}

// routes is all of them; a literal segment comes before a {version} in its place.
// The rights are those of Azure's role definitions. Reading a deleted object's
// properties takes the right to read a live one's: no value is given.
var routes = []route{
	{http.MethodGet, "secrets", "secrets/readMetadata/action", listObjects},
	{http.MethodGet, "secrets/{name}/versions", "secrets/readMetadata/action", listVersions},
	{http.MethodPost, "secrets/{name}/backup", "secrets/backup/action", nil},
	{http.MethodPost, "secrets/restore", "secrets/restore/action", nil},
	{http.MethodGet, "secrets/{name}", "secrets/getSecret/action", getSecret},
	{http.MethodPut, "secrets/{name}", "secrets/setSecret/action", putSecret},
	{http.MethodPatch, "secrets/{name}", "secrets/update/action", patchObject},
	{http.MethodDelete, "secrets/{name}", "secrets/delete", deleteObject},
	{http.MethodGet, "secrets/{name}/{version}", "secrets/getSecret/action", getSecret},
	{http.MethodPatch, "secrets/{name}/{version}", "secrets/update/action", patchObject},
	{http.MethodGet, "deletedsecrets", "secrets/readMetadata/action", listDeleted},
	{http.MethodGet, "deletedsecrets/{name}", "secrets/readMetadata/action", getDeleted},
	{http.MethodDelete, "deletedsecrets/{name}", "secrets/purge/action", purgeObject},
	{http.MethodPost, "deletedsecrets/{name}/recover", "secrets/recover/action", recoverObject},

	{http.MethodGet, "keys", "keys/read", listObjects},
	{http.MethodGet, "keys/{name}/versions", "keys/read", listVersions},
	{http.MethodPost, "keys/{name}/create", "keys/create/action", createKey},
	{http.MethodPost, "keys/{name}/backup", "keys/backup/action", nil},
	{http.MethodPost, "keys/restore", "keys/restore/action", nil},
	{http.MethodPost, "keys/{name}/rotate", "keys/rotate/action", nil},
	{http.MethodGet, "keys/{name}/rotationpolicy", "keyrotationpolicies/read", nil},
	{http.MethodPut, "keys/{name}/rotationpolicy", "keyrotationpolicies/write", nil},
	{http.MethodGet, "keys/{name}", "keys/read", getObject},
	{http.MethodPut, "keys/{name}", "keys/import/action", nil},
	{http.MethodPatch, "keys/{name}", "keys/update/action", patchObject},
	{http.MethodDelete, "keys/{name}", "keys/delete", deleteObject},
	{http.MethodGet, "keys/{name}/{version}", "keys/read", getObject},
	{http.MethodPatch, "keys/{name}/{version}", "keys/update/action", patchObject},
	{http.MethodGet, "keys/{name}/{version}/attestation", "keys/read", nil},
	{http.MethodPost, "keys/{name}/{version}/encrypt", "keys/encrypt/action", nil},
	{http.MethodPost, "keys/{name}/{version}/decrypt", "keys/decrypt/action", nil},
	{http.MethodPost, "keys/{name}/{version}/sign", "keys/sign/action", nil},
	{http.MethodPost, "keys/{name}/{version}/verify", "keys/verify/action", nil},
	{http.MethodPost, "keys/{name}/{version}/wrapkey", "keys/wrap/action", nil},
	{http.MethodPost, "keys/{name}/{version}/unwrapkey", "keys/unwrap/action", nil},
	{http.MethodPost, "keys/{name}/{version}/release", "keys/release/action", nil},
	{http.MethodGet, "deletedkeys", "keys/read", listDeleted},
	{http.MethodGet, "deletedkeys/{name}", "keys/read", getDeleted},
	{http.MethodDelete, "deletedkeys/{name}", "keys/purge/action", purgeObject},
	{http.MethodPost, "deletedkeys/{name}/recover", "keys/recover/action", recoverObject},

	{http.MethodGet, "certificates", "certificates/read", listObjects},
	{http.MethodGet, "certificates/contacts", "certificates/read", nil},
	{http.MethodPut, "certificates/contacts", "certificatecontacts/write", nil},
	{http.MethodDelete, "certificates/contacts", "certificatecontacts/write", nil},
	{http.MethodGet, "certificates/issuers", "certificatecas/read", nil},
	{http.MethodGet, "certificates/issuers/{version}", "certificatecas/read", nil},
	{http.MethodPut, "certificates/issuers/{version}", "certificatecas/write", nil},
	{http.MethodPatch, "certificates/issuers/{version}", "certificatecas/write", nil},
	{http.MethodDelete, "certificates/issuers/{version}", "certificatecas/delete", nil},
	{http.MethodGet, "certificates/{name}/versions", "certificates/read", listVersions},
	{http.MethodGet, "certificates/{name}/policy", "certificates/read", getPolicy},
	{http.MethodPatch, "certificates/{name}/policy", "certificates/update/action", nil},
	{http.MethodGet, "certificates/{name}/pending", "certificates/read", getPending},
	{http.MethodPatch, "certificates/{name}/pending", "certificates/update/action", nil},
	{http.MethodDelete, "certificates/{name}/pending", "certificates/update/action", nil},
	{http.MethodPost, "certificates/{name}/pending/merge", "certificates/update/action", nil},
	{http.MethodPost, "certificates/{name}/create", "certificates/create/action", createCertificate},
	{http.MethodPost, "certificates/{name}/import", "certificates/import/action", nil},
	{http.MethodPost, "certificates/{name}/backup", "certificates/backup/action", nil},
	{http.MethodPost, "certificates/restore", "certificates/restore/action", nil},
	{http.MethodGet, "certificates/{name}", "certificates/read", getObject},
	{http.MethodPatch, "certificates/{name}", "certificates/update/action", patchObject},
	{http.MethodDelete, "certificates/{name}", "certificates/delete", deleteObject},
	{http.MethodGet, "certificates/{name}/{version}", "certificates/read", getObject},
	{http.MethodPatch, "certificates/{name}/{version}", "certificates/update/action", patchObject},
	{http.MethodGet, "deletedcertificates", "certificates/read", listDeleted},
	{http.MethodGet, "deletedcertificates/{name}", "certificates/read", getDeleted},
	{http.MethodDelete, "deletedcertificates/{name}", "certificates/purge/action", purgeObject},
	{http.MethodPost, "deletedcertificates/{name}/recover", "certificates/recover/action", recoverObject},
}

// target is what a request's method and path ask for.
type target struct {
	route   *route // nil: refused says why
	refused *StatusError
	kind    Kind
	name    string
	version string
}

func (t *target) action() string {
	if t.route == nil {
		return ""
	}
	return "Microsoft.KeyVault/vaults/" + t.route.action
}

// object is the scope below the vault: a single object's rights can be given
// one by one.
func (t *target) object() string {
	if t.name == "" {
		return ""
	}
	return string(t.kind) + "/" + t.name
}

// parseTarget finds a request's route. A slash at the end is an empty version,
// which SDK clients send for the newest. An escaped slash is part of its segment.
func parseTarget(method string, u *url.URL) target {
	t := target{}
	path := strings.TrimLeft(u.EscapedPath(), "/")
	segments := strings.Split(strings.TrimSuffix(path, "/"), "/")
	for i, segment := range segments {
		plain, err := url.PathUnescape(segment)
		if err != nil {
			t.refused = badParameter("The request URI contains an invalid escape: %q", segment)
			return t
		}
		segments[i] = plain
	}
	var allowed []string
	for i := range routes {
		name, version, ok := match(routes[i].path, segments)
		if !ok {
			continue
		}
		if routes[i].method != method {
			if !slices.Contains(allowed, routes[i].method) {
				allowed = append(allowed, routes[i].method)
			}
			continue
		}
		t.route, t.name, t.version = &routes[i], name, version
		t.kind = Kind(strings.TrimPrefix(segments[0], "deleted"))
		return t
	}
	if allowed != nil {
		t.refused = methodNotAllowed(method, u.Path, allowed)
		return t
	}
	t.refused = &StatusError{
		Status: http.StatusNotFound, Code: "NotFound", Message: "There is nothing at the path " + u.Path + " in a key vault.",
	}
	return t
}

func match(pattern string, segments []string) (name, version string, ok bool) {
	i := 0
	for want := range strings.SplitSeq(pattern, "/") {
		if i >= len(segments) {
			return "", "", false
		}
		switch want {
		case "{name}":
			name = segments[i]
		case "{version}":
			version = segments[i]
		default:
			if want != segments[i] {
				return "", "", false
			}
		}
		i++
	}
	return name, version, i == len(segments)
}
