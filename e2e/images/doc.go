// Package images writes the container images that the tests' pods run, since no
// registry is there to pull from: an archive holds an image as "docker save"
// writes it and "ctr images import" takes it. Equal programs give equal bytes.
package images
