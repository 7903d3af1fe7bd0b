package manifest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Stdin is the path that stands for the standard input, and StdinName what it is called
// in positions.
const (
	Stdin     = "-"
	StdinName = "stdin"
)

// extensions of the files in a folder that kubectl reads.
var extensions = []string{".json", ".yaml", ".yml"}

// maxFile keeps a device or a core dump from filling the memory. No API server takes a
// hundredth of it in one object.
const maxFile = 256 << 20

// Source says what to read: the words behind -f, and -R.
type Source struct {
	// Paths of files and folders; Stdin is the standard input.
	Paths []string
	// Recursive reads the folders in folders too.
	Recursive bool
	// Stdin is read where Paths say so.
	Stdin io.Reader
	// Exclude reports whether a file or folder below a folder of Paths is left out; nil leaves out none.
	Exclude func(path string) bool
	// Rendered texts are read before the files.
	Rendered []Rendered
}

// Rendered is a text that a program has made, or why it has not.
type Rendered struct {
	// Name stands in positions, in the place of a file's.
	Name string
	Text []byte
	Err  error
}

// input is a file to read.
type input struct {
	path string
	// named is set if the file itself was named, and not only its folder.
	named bool
	// rendered is set if there is no file.
	rendered []byte
}

// find expands folders and patterns. The order is that of the words, and in folders the
// names'.
func (s Source) find() (inputs []input, problems []Problem) {
	seen := map[string]bool{}
	add := func(in input) {
		if !seen[in.path] {
			seen[in.path] = true
			inputs = append(inputs, in)
		}
	}
	for _, r := range s.Rendered {
		if r.Err != nil {
			for line := range strings.Lines(r.Err.Error()) {
				problems = append(problems, Problem{File: r.Name, Message: strings.TrimSpace(line)})
			}
			continue
		}
		add(input{path: r.Name, named: true, rendered: append([]byte{}, r.Text...)})
	}
	for _, path := range s.Paths {
		switch {
		case path == Stdin:
			add(input{path: Stdin, named: true})
		case path == "":
			problems = append(problems, Problem{File: `""`, Message: "names no file; -f takes a file, a folder, or - for the standard input"})
		case strings.HasPrefix(path, "http://") || strings.HasPrefix(path, "https://"):
			problems = append(problems, Problem{File: path, Message: "is not fetched; fetch it yourself, and pipe it in: -f -"})
		default:
			problems = append(problems, s.findPath(filepath.Clean(path), add)...)
		}
	}
	return inputs, problems
}

func (s Source) findPath(path string, add func(input)) []Problem {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		// As kubectl does with a pattern that the shell was kept from expanding.
		matches, globErr := filepath.Glob(path)
		if globErr != nil || len(matches) == 0 {
			return []Problem{unreadable(path, err)}
		}
		var problems []Problem
		for _, m := range matches {
			if info, err := os.Stat(m); err != nil {
				problems = append(problems, unreadable(m, err))
			} else {
				problems = append(problems, s.findNamed(m, info, add)...)
			}
		}
		return problems
	}
	if err != nil {
		return []Problem{unreadable(path, err)}
	}
	return s.findNamed(path, info, add)
}

func (s Source) findNamed(path string, info fs.FileInfo, add func(input)) []Problem {
	if !info.IsDir() {
		add(input{path: path, named: true})
		return nil
	}
	found, folders := 0, false
	var problems []Problem
	layout := &layout{}
	var walk func(folder string)
	walk = func(folder string) {
		entries, err := os.ReadDir(folder)
		if err != nil {
			problems = append(problems, unreadable(folder, err))
			return
		}
		layout.look(folder, entries)
		for _, e := range entries {
			path := filepath.Join(folder, e.Name())
			switch {
			case layout.passes(path), s.Exclude != nil && s.Exclude(path):
			case e.IsDir() && s.Recursive:
				walk(path)
			case e.IsDir():
				folders = true
			case slices.Contains(extensions, filepath.Ext(path)):
				// Links to files are followed. Those to folders are not, as in kubectl:
				// they may lead in circles.
				info, err := os.Stat(path)
				switch {
				case err != nil:
					problems = append(problems, unreadable(path, err))
				case info.Mode().IsRegular():
					found++
					add(input{path: path})
				}
			}
		}
	}
	walk(path)
	problems = append(problems, layout.notes()...)
	if found == 0 && len(problems) == 0 {
		message := "no .yaml, .yml or .json file is in this folder"
		if folders {
			message += "; with -R its folders are read too"
		}
		problems = append(problems, Problem{File: path, Message: message})
	}
	return problems
}

// text reads an input.
func (s Source) text(in input) ([]byte, *Problem) {
	var r io.Reader
	if in.rendered != nil {
		return in.rendered, nil
	}
	if in.path == Stdin {
		if s.Stdin == nil {
			return nil, &Problem{File: StdinName, Message: "there is none"}
		}
		r = s.Stdin
	} else {
		f, err := os.Open(in.path)
		if err != nil {
			p := unreadable(in.path, err)
			return nil, &p
		}
		defer f.Close()
		r = f
	}
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("larger than %d MiB, which no manifest is", maxFile>>20)
	}
	if err != nil {
		p := unreadable(in.name(), err)
		return nil, &p
	}
	return text, nil
}

func (in input) name() string {
	if in.path == Stdin {
		return StdinName
	}
	return in.path
}

// unreadable is an error of the file system without the path, which stands before it.
func unreadable(path string, err error) Problem {
	if pathError, ok := errors.AsType[*fs.PathError](err); ok {
		err = pathError.Err
	}
	return Problem{File: path, Message: "cannot be read: " + err.Error()}
}
