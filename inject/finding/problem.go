package finding

// Problem is what is wrong with a value, and how to fix it. Both are clauses in lower case,
// without a full stop; Fix may end with a command that works when it is pasted. The zero
// Problem means that nothing is wrong.
type Problem struct{ What, Fix string }

// Found reports whether there is a problem.
func (p Problem) Found() bool { return p != Problem{} }

// Of is the problem of a part of the value, which is named before What.
func (p Problem) Of(part string) Problem { return Problem{part + p.What, p.Fix} }

// String is What and Fix in one line, for errors that have no place.
func (p Problem) String() string {
	switch {
	case p.Fix == "":
		return p.What
	case p.What == "":
		return p.Fix
	}
	return p.What + "; " + p.Fix
}
