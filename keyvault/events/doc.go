// Package events hears from Azure Event Grid that an object of a vault has a new version: from a
// storage queue that is read with workload identity, or at an HTTPS endpoint.
//
// An event is a hint to look, never a fact: whoever may write into the queue could write one, and
// Event Grid may deliver one late, twice or never. It names a vault, an object and a version, and
// each of the three is checked before it goes further.
package events
