// Package webhook answers the API server's admission requests for pods: it
// decodes the review, looks up the facts, asks package inject for the decision and
// writes it down as a patch, a refusal, warnings and audit annotations.
//
// There are two kinds of "no". A verdict (an answer with allowed false) says that
// the pod is wrong, and is final. A failure (any HTTP status but 200) says that we
// could not tell, and leaves the pod to the configuration's failurePolicy. The API
// server consults failurePolicy only for the latter, so a failed lookup must never
// be told as a verdict.
package webhook
