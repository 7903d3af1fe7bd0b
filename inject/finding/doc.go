// Package finding has what the engine reports: findings with their place in an object,
// errors in single fields, and what is known of a rule apart from its code.
package finding
