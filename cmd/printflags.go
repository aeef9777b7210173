package cmd

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"okauth/cmd/internal/cli"
	"okauth/pkg/output"
	"okauth/pkg/session"
)

// printFlags say how "token" and "exchange" print a token.
type printFlags struct {
	format      output.TokenOptions
	url, method string // of the request that a token with DPoP is for
}

// addFlags adds the flags for formats, the first of which is the default. variable is the one of -o env.
func (p *printFlags) addFlags(c *cobra.Command, variable string, formats ...string) {
	cli.OutputFlag(c, &p.format.Format, formats...)
	cli.EnumFlag(c, &p.format.Shell, "shell", "what reads -o env, dotenv being docker run --env-file and the like",
		output.Shells()...)
	f := c.Flags()
	f.StringVar(&p.format.Variable, "env", "", "variable for -o env (default "+variable+")")
	f.StringVar(&p.url, "url", "", "with DPoP and -o header or curl: `URL` of the request that the token goes with")
	f.StringVar(&p.method, "method", "GET", "with --url: method of that request")
	cli.CompleteFlag(c, "env")
	cli.CompleteFlag(c, "url")
	cli.CompleteFlag(c, "method", "GET", "POST", "PUT", "PATCH", "DELETE")
}

// formatHelp lists the output formats, one a line.
func formatHelp() string {
	var b strings.Builder
	for _, name := range output.Formats() {
		fmt.Fprintf(&b, "  %-16s %s\n", name, output.DescribeFormat(name))
	}
	return strings.TrimRight(b.String(), "\n")
}

// headers reports whether the token is printed for an API.
func (p *printFlags) headers() bool { return p.format.Format == "header" || p.format.Format == "curl" }

// check refuses flags that contradict each other, or the type of the token.
func (p *printFlags) check(c *cobra.Command, kind session.TokenType) error {
	p.format.Variable = cmp.Or(p.format.Variable, cli.TokenVariable(kind))
	if p.format.Format != "env" && (c.Flags().Changed("shell") || c.Flags().Changed("env")) {
		return cli.Usage("--shell and --env are for -o env", "add -o env")
	}
	if err := p.checkRequest(c); err != nil {
		return err
	}
	if err := p.format.Check(string(kind)); err != nil {
		return cli.Usage(err.Error(), "okauth token --help tells what -o prints")
	}
	return nil
}

// checkRequest reads the flags about the request that the token is for.
func (p *printFlags) checkRequest(c *cobra.Command) (err error) {
	switch {
	case !p.headers() && (c.Flags().Changed("url") || c.Flags().Changed("method")):
		return cli.Usage("--url and --method are for -o header and -o curl", "add -o curl")
	case p.url == "" && c.Flags().Changed("method"):
		return cli.Usage("--method without --url names no request", "add --url")
	case p.url == "" || !p.headers():
		return nil
	}
	if p.format.Request, err = output.NewRequest(p.method, p.url); err != nil {
		return cli.Usage("--url and --method: "+err.Error(), "")
	}
	return nil
}

// print writes a token to standard output.
func (p *printFlags) print(env *cli.Env, token output.Token) error {
	if p.format.Format == "env" {
		env.WarnBound(token)
	}
	return p.write(env, env.Stdout, token)
}

func (p *printFlags) write(env *cli.Env, w io.Writer, token output.Token) error {
	p.format.Now = env.Now()
	return p.format.Write(w, token)
}
