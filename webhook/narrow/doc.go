// Package narrow reads AdmissionReviews of pods in one pass over their bytes, and leaves out of the pods what no rule
// reads: who manages which field, probes, resources, tolerations.
//
// It never has the last word. What it reads equals what the API server's own decoder reads; of anything that it does not
// understand, that the API server's decoder might refuse or that is ambiguous, it says so, and the caller decodes with that one.
package narrow
