package controlplane

// ReservePort keeps a port of 127.0.0.1 for a server of the test (see port) until
// release is called.
func ReservePort() (number int, release func(), err error) {
	p, err := newPort()
	if err != nil {
		return 0, nil, err
	}
	return p.Number, p.release, nil
}
