package build

import "os"

// RaceVariable is set in the environment of tests for which the product may be built with
// the race detector, which needs a C compiler.
const RaceVariable = "AKV_TEST_RACE"

// Race reports whether it is set.
func Race() bool { return os.Getenv(RaceVariable) != "" }
