// Package admin is the admin API of the stand-in for Azure: what only an administrator
// may do, from another process. The API is HTTP over a unix socket, POST /NAME with the
// operation's input as JSON; who can open the socket is the administrator. An [API] is
// the server's end, a [Client] the other one, and [Listen] the socket between them.
package admin
