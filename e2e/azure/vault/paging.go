package vault

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
)

// maxPage is the most that Azure lists in one answer.
const maxPage = 25

// page is one answer of a listing. Azure sends nextLink also when it is null.
type page struct {
	Value    []any   `json:"value"`
	NextLink *string `json:"nextLink"`
}

// entry is a thing to be listed, with the mark that orders it. Marks outlive
// changes between two pages: what was listed stays behind, what is new and
// belongs ahead comes.
type entry struct {
	mark string
	item func() any
}

// marker is what a skip token holds, as in Azure encoded once more.
type marker struct {
	NextMarker string
}

// paginate cuts a page out of entries that are sorted by their marks.
func (c *call) paginate(entries []entry) (any, error) {
	size := maxPage
	if given := c.query.Get("maxresults"); given != "" {
		n, err := strconv.Atoi(given)
		if err != nil || n < 1 || n > maxPage {
			return nil, badParameter("The maxresults %q is invalid: must be 1 to %d.", given, maxPage)
		}
		size = n
	}
	after := ""
	if token := c.query.Get("$skiptoken"); token != "" {
		data, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(token, "="))
		var m marker
		if err != nil || json.Unmarshal(data, &m) != nil {
			return nil, badParameter("The $skiptoken is invalid: follow the nextLink of the page before.")
		}
		after = m.NextMarker
	}
	p := page{Value: []any{}}
	last := ""
	for _, e := range entries {
		if e.mark <= after {
			continue
		}
		if len(p.Value) == size {
			p.NextLink = new(c.nextLink(last))
			break
		}
		p.Value = append(p.Value, e.item())
		last = e.mark
	}
	return p, nil
}

func (c *call) nextLink(last string) string {
	token, err := json.Marshal(marker{NextMarker: last})
	if err != nil {
		panic(err) // a string has no way to fail
	}
	link := fmt.Sprintf("https://%s%s?api-version=%s&$skiptoken=%s",
		c.host.authority(), c.request.URL.EscapedPath(), url.QueryEscape(c.query.Get("api-version")), base64.RawURLEncoding.EncodeToString(token))
	if size := c.query.Get("maxresults"); size != "" {
		link += "&maxresults=" + size
	}
	return link
}

func listObjects(c *call) (any, error) {
	var entries []entry
	for _, o := range c.contents.list(c.kind, false) {
		entries = append(entries, entry{fold(o.name), func() any {
			return c.item(o, o.newest(), c.url(o.kind, o.name))
		}})
	}
	return c.paginate(entries)
}

func listDeleted(c *call) (any, error) {
	var entries []entry
	for _, o := range c.contents.list(c.kind, true) {
		entries = append(entries, entry{fold(o.name), func() any {
			return c.item(o, o.newest(), c.url(o.kind, o.name))
		}})
	}
	return c.paginate(entries)
}

func listVersions(c *call) (any, error) {
	o, err := c.contents.find(c.kind, c.name)
	if err != nil {
		return nil, err
	}
	var entries []entry
	for _, v := range o.newestFirst() {
		mark := fmt.Sprintf("%020d", math.MaxUint64-v.seq)
		entries = append(entries, entry{mark, func() any {
			return c.item(o, v, c.id(o, v))
		}})
	}
	return c.paginate(entries)
}
