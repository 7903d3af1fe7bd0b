package build

// Root is the folder of the checkout that is tested.
func Root() (string, error) { return productRoot() }
