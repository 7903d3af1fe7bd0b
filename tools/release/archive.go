package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"path"
	"slices"
	"time"
)

// entry is a file of an archive or of an image.
type entry struct {
	name    string
	mode    int64
	content []byte
}

// tarOf has files as root's own, from the beginning of time, with the folders above them.
func tarOf(entries ...entry) ([]byte, error) {
	var out bytes.Buffer
	writer := tar.NewWriter(&out)
	var folders []string
	for _, e := range entries {
		if err := addFolders(writer, &folders, path.Dir(e.name)); err != nil {
			return nil, err
		}
		header := &tar.Header{Name: e.name, Mode: e.mode, Size: int64(len(e.content)), ModTime: time.Unix(0, 0).UTC(), Typeflag: tar.TypeReg, Format: tar.FormatPAX}
		if err := writer.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := writer.Write(e.content); err != nil {
			return nil, err
		}
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// addFolders adds a folder, and those above it, that are not there yet.
func addFolders(writer *tar.Writer, there *[]string, folder string) error {
	if folder == "." || slices.Contains(*there, folder) {
		return nil
	}
	if err := addFolders(writer, there, path.Dir(folder)); err != nil {
		return err
	}
	*there = append(*there, folder)
	return writer.WriteHeader(&tar.Header{Name: folder + "/", Mode: 0o755, ModTime: time.Unix(0, 0).UTC(), Typeflag: tar.TypeDir, Format: tar.FormatPAX})
}

// zipped is a compressed archive, without a name or a time in it.
func zipped(archive []byte) ([]byte, error) {
	var out bytes.Buffer
	writer, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(writer, bytes.NewReader(archive)); err != nil {
		return nil, err
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
