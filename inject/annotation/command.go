package annotation

import "akv-injector/internal/text"

// OptInCommand is the command that opts a namespace in.
func OptInCommand(namespace string) string {
	return text.Command("kubectl label namespace {namespace} "+LabelInjection+"="+InjectionEnabled, text.Values{"namespace": namespace})
}
