package webhook

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"unicode"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"
)

// hostileTexts are what a terminal, a log or a header would take for something else than text.
var hostileTexts = []string{
	"a\nlevel=ERROR msg=forged",
	"\x1b[31mred\x1b]0;title\x07",
	"\u202egnp.exe\u202c\u2066x\u2069",
	"nul\x00, bell\x07, backspace\x08\x08\x08, del\x7f, c1\u009b31m",
	"zero\u200bwidth\ufeff, line\u2028separator",
	strings.Repeat("long ", 20_000),
}

// Whatever text comes in, in any field of a request, what goes out is text and short: in
// answers, warnings, audit annotations, logs and the labels of metrics.
func TestOutsideText(t *testing.T) {
	deployment := workloads()[0]
	for name, tc := range map[string]struct {
		review any
		serve  func(*Admission) http.Handler
	}{
		"a pod that asks":      {reviewOf(raw(t, asking())), (*Admission).Mutate},
		"the same, validated":  {reviewOf(raw(t, asking())), (*Admission).Validate},
		"a volume by hand":     {reviewOf(raw(t, handWritten(t, unsafeMount))), (*Admission).Validate},
		"a workload":           {changeOf(t, deployment, workloadOf(t, deployment, asking()), nil), (*Admission).ValidateWorkload},
		"a class":              {changeOf(t, classKinds()[0], withKind(legacyClass()), nil), (*Admission).ValidateClass},
		"a class that changes": {changeOf(t, classKinds()[0], withKind(legacyClass()), withKind(legacyClass())), (*Admission).ValidateClass},
	} {
		t.Run(name, func(t *testing.T) {
			sent := 0
			eachHostile(t, marshal(t, tc.review), func(where string, body []byte) {
				sent++
				cl := newCluster(append(inPlace(), legacyClass())...)
				cl.mounting = map[string][]string{"legacy": {hostileTexts[1]}}
				w := post(tc.serve(cl.admission()), "/", body)
				wantText(t, where, w.Body.Bytes(), cl.logs.all())
				families, err := cl.registry.Gather()
				if err != nil {
					t.Fatal(err)
				}
				for _, family := range families {
					for _, metric := range family.GetMetric() {
						for _, label := range metric.GetLabel() {
							if value := label.GetValue(); len(value) > 64 || unprintable(value, false) != "" {
								t.Errorf("%s: the metric %s has the label %.200q", where, family.GetName(), value)
							}
						}
					}
				}
			})
			if sent < 100 {
				t.Errorf("%d requests: the fields were not found", sent)
			}
		})
	}
}

// eachHostile puts each hostile text in the place of each string and key, one at a time. The
// uid is left out: it is sent back as it is.
func eachHostile(t *testing.T, review []byte, do func(where string, body []byte)) {
	t.Helper()
	var tree any
	if err := json.Unmarshal(review, &tree); err != nil {
		t.Fatal(err)
	}
	var visit func(where string, node any, set func(any))
	try := func(where, was string, set func(any)) {
		for i, text := range hostileTexts {
			for _, replaced := range []string{text, was + text} {
				set(replaced)
				body, err := json.Marshal(tree)
				if err != nil {
					t.Fatal(err)
				}
				do(fmt.Sprintf("%s, text %d", where, i), body)
			}
		}
		set(was)
	}
	visit = func(where string, node any, set func(any)) {
		switch node := node.(type) {
		case string:
			try(where, node, set)
		case []any:
			for i := range node {
				visit(fmt.Sprintf("%s[%d]", where, i), node[i], func(v any) { node[i] = v })
			}
		case map[string]any:
			keys := make([]string, 0, len(node))
			for k := range node {
				keys = append(keys, k)
			}
			for _, k := range keys {
				if where == "request" && k == "uid" {
					continue
				}
				value := node[k]
				visit(strings.TrimPrefix(where+"."+k, "."), value, func(v any) { node[k] = v })
				delete(node, k)
				for i, text := range hostileTexts {
					node[k+text] = value
					body, err := json.Marshal(tree)
					if err != nil {
						t.Fatal(err)
					}
					delete(node, k+text)
					do(fmt.Sprintf("%s.%s as a key, text %d", where, k, i), body)
				}
				node[k] = value
			}
		}
	}
	visit("", tree, nil)
}

// wantText wants an answer, and a log, of text that nothing takes for anything else.
func wantText(t *testing.T, where string, answer []byte, log string) {
	t.Helper()
	var tree any
	if err := json.Unmarshal(answer, &tree); err != nil {
		tree = strings.TrimSuffix(string(answer), "\n") // an HTTP error
	}
	const longest = 64 << 10
	length := 0
	defer func() {
		if length > longest {
			t.Errorf("%s: an answer of %d bytes", where, length)
		}
	}()
	eachText(tree, "", func(path, text string) {
		// The patch is for the API server, and has what the pod itself says.
		if strings.HasSuffix(path, ".patch") {
			return
		}
		length += len(text)
		if bad := unprintable(text, strings.HasSuffix(path, ".message")); bad != "" {
			t.Errorf("%s: %s has %s: %.200q", where, path, bad, text)
		}
	})
	for line := range strings.Lines(log) {
		if len(line) > 8<<10 {
			t.Errorf("%s: a line of %d bytes in the log", where, len(line))
		}
		if bad := unprintable(strings.TrimSuffix(line, "\n"), false); bad != "" {
			t.Errorf("%s: the log has %s: %.200q", where, bad, line)
		}
	}
}

func eachText(node any, path string, do func(path, text string)) {
	switch node := node.(type) {
	case string:
		do(path, node)
	case []any:
		for i := range node {
			eachText(node[i], fmt.Sprintf("%s[%d]", path, i), do)
		}
	case map[string]any:
		for k, v := range node {
			do(path+" (a key)", k)
			eachText(v, path+"."+k, do)
		}
	}
}

// unprintable names the first character that is no text. A message has a cause on each line.
func unprintable(text string, lines bool) string {
	for _, r := range text {
		if r == '\n' && lines {
			continue
		}
		if !unicode.IsPrint(r) && r != '\ufffd' {
			return fmt.Sprintf("%U", r)
		}
	}
	return ""
}

// withKind is a class as the API server sends it.
func withKind(class *secretsstorev1.SecretProviderClass) *secretsstorev1.SecretProviderClass {
	class.TypeMeta = metav1.TypeMeta{APIVersion: secretsstorev1.SchemeGroupVersion.String(), Kind: "SecretProviderClass"}
	return class
}
