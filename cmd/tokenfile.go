package cmd

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"okauth/cmd/internal/cli"
	"okauth/pkg/output"
	"okauth/pkg/session"
)

// fileFlags say which file "token" writes to in place of standard output.
type fileFlags struct {
	path        string // "": none
	watch, keep bool
}

func (f *fileFlags) addFlags(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.path, "file", "", "write to this `file`, which only you can read, and not to standard output")
	flags.BoolVar(&f.watch, "watch", false, "with --file: stay, and keep the file fresh until a signal")
	flags.BoolVar(&f.keep, "keep-file", false, "with --watch: leave the file at the end")
}

// checkFile refuses flags that contradict each other and a file that cannot be written, before anything is sent.
func (o *tokenOptions) checkFile(c *cobra.Command) (err error) {
	switch {
	case o.path == "" && o.watch:
		return cli.Usage("--watch keeps a file fresh, and there is none", "name it: okauth token --file PATH --watch")
	case o.path == "" && c.Flags().Changed("file"):
		return cli.Usage("--file is empty", "it takes the path of a file")
	case o.keep && !o.watch:
		return cli.Usage("--keep-file is for --watch", "without --watch the file stays in any case")
	case o.path == "":
		return nil
	case o.githubOutput != "":
		return cli.Usage("--github-output prints no token, so there is nothing for --file to take", "")
	case o.watch && o.kind == session.Refresh:
		return cli.Usage("--watch is for access and ID tokens: only Okta knows how long a refresh token is valid", "")
	case o.watch && o.url != "":
		return errProofInFile()
	case o.path == "-":
		return cli.Usage(`--file: "-" is the name of no file here`,
			"without --file the token goes to standard output; ./- is a file of that name")
	case os.IsPathSeparator(o.path[len(o.path)-1]):
		return cli.Usage("--file: the path is that of a directory", "add the name of the file")
	}
	if o.path, err = filepath.Abs(o.path); err != nil {
		return err
	}
	// In a volume that others can write to, the file needs a directory of its own, and an image may have no mkdir.
	_ = os.Mkdir(filepath.Dir(o.path), 0o700) // where it fails, CheckFile says why there is none
	return output.CheckFile(o.path)
}

func errProofInFile() error {
	return cli.Usage("a proof (DPoP) is good for one request, so a file cannot keep one fresh",
		"let okauth proxy send the requests, or get token and proof for each one: okauth token -o curl --url URL")
}

// render returns what goes to the file.
func (o *tokenOptions) render(token output.Token) ([]byte, error) {
	var text bytes.Buffer
	err := o.printFlags.write(o.env, &text, token)
	if o.watch && errors.Is(err, output.ErrNoRequest) {
		err = errProofInFile()
	}
	return text.Bytes(), err
}
