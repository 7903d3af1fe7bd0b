// Package webhook answers the API server's admission requests for pods, for the
// workloads that make them and for the SecretProviderClasses that they mount: it decodes
// the review, looks up the facts, asks package inject for the decision and
// writes it down as a patch, a refusal, warnings and audit annotations.
//
// There are two kinds of "no". A verdict (an answer with allowed false) says that
// the object is wrong, and is final. A failure (any HTTP status but 200) says that we
// could not decide, and leaves the object to the configuration's failurePolicy. The API
// server consults failurePolicy only for the latter, so a failed lookup must never
// be answered as a verdict.
package webhook
