package inject

// AKV012 reads the ServiceAccount that the pod will run as. Without a client id nobody
// could say which identity reads the vault; without the account the API server refuses
// the pod. The planner finds it, where it needs the account (planAccount).
var serviceAccountRule = Rule{
	ID: "AKV012", Name: "service-account", Severities: []Severity{Error, Warning},
	Summary:  "A pod that asks, whose ServiceAccount is missing, or has no client id where none is given; a warning on a template, whose pods come later.",
	Prevents: "The pod could not be created, or no identity would read the vault for it.",
	Evidence: "The API server 1.37.2 refuses a pod whose ServiceAccount does not exist; a generated class needs a client id.",
	Remedy:   "Create the ServiceAccount with the annotation azure.workload.identity/client-id, or name another.",
	On:       podsAndTemplates,
}
