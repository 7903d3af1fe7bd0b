// Package finding defines what the engine reports: findings with their place in an object,
// errors in single fields, and the description of a rule.
package finding
