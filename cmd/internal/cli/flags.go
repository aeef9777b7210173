package cli

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"okauth/pkg/config"
	"okauth/pkg/output"
	"okauth/pkg/session"
)

// SessionFlags are the flags of the settings that say which session a command uses.
type SessionFlags struct {
	*GlobalFlags
	Set map[string]string // the flags that were typed, by the key of their setting

	PasswordStdin, ClientSecretStdin bool

	Serves bool // the command goes on after an error; set it before Open

	noBrowser bool
	prompt    string // of the sign-in page
}

// IsIdentityKey reports whether a setting says which session is meant.
func IsIdentityKey(name string) bool {
	return slices.Contains([]string{config.KeyDomain, config.KeyServer, config.KeyClientID, config.KeyGrant,
		config.KeyUsername, config.KeyScopes, config.KeyStorage}, name)
}

// AddFlags adds the flags of the identity settings and of those in more.
func (s *SessionFlags) AddFlags(c *cobra.Command, more ...string) {
	s.Set = make(map[string]string)
	for _, key := range config.Keys() {
		if key.Type == config.Secret || !IsIdentityKey(key.Name) && !slices.Contains(more, key.Name) {
			continue
		}
		name, help := flagName(key.Name), key.Help
		switch {
		case key.Type == config.Enum && key.Default == "":
			help = strings.Replace(help, " (", ": "+wordList(key.Choices)+" (", 1)
		case key.Type == config.Enum:
			help += " (" + wordList(key.Choices) + "; default " + key.Default + ")"
		case key.Default != "":
			help += " (default " + key.Default + ")"
		}
		c.Flags().VarP(&settingFlag{key: key, set: s.Set}, name, shorthand(name), help)
		fromSettings(c.Flags(), name)
		if key.Type != config.Path { // the shell offers files by itself
			CompleteFlag(c, name, key.Choices...)
		}
	}
}

// flagName returns the flag of a setting: --client-id sets client_id.
func flagName(setting string) string {
	if setting == config.KeyScopes {
		return "scope" // once for each
	}
	return strings.ReplaceAll(setting, "_", "-")
}

// shorthand returns the letter of a flag, which few have.
func shorthand(flag string) string { return map[string]string{"output": "o", "username": "u"}[flag] }

// AddStdinFlags adds the flags that take a secret from standard input.
func (s *SessionFlags) AddStdinFlags(c *cobra.Command) {
	c.Flags().BoolVar(&s.PasswordStdin, "password-stdin", false, "read the password from standard input")
	c.Flags().BoolVar(&s.ClientSecretStdin, "client-secret-stdin", false, "read the client secret from standard input")
}

// AddPageFlags adds the flags of a sign-in on a page.
func (s *SessionFlags) AddPageFlags(c *cobra.Command) {
	c.Flags().BoolVar(&s.noBrowser, "no-browser", false, "show the address of the sign-in page, and open no browser")
	c.Flags().StringVar(&s.prompt, "prompt", "", "what the sign-in page asks for again, such as login or consent")
	CompleteFlag(c, "prompt", "login", "consent")
}

// Identity returns the flags that another command needs to use the same session. Report adds the global ones.
func (s *SessionFlags) Identity() string {
	var b strings.Builder
	for _, key := range config.Keys() {
		if value, ok := s.Set[key.Name]; ok && key.Name != config.KeyMinTTL {
			b.WriteString(" --" + flagName(key.Name) + " " + ShellQuote(value))
		}
	}
	return b.String()
}

// settingFlag is the flag of a setting. Package config checks its value, as it does those from the other layers.
type settingFlag struct {
	key config.Key
	set map[string]string
}

func (f *settingFlag) String() string {
	if f.set == nil {
		return "" // pflag asks a zero value of the type whether it has a default
	}
	return f.set[f.key.Name]
}

func (f *settingFlag) Type() string {
	names := map[config.ValueType]string{
		config.Path: "file", config.Enum: "word", config.Duration: "duration", config.Command: "command",
		config.List: "list",
	}
	return cmp.Or(names[f.key.Type], "text")
}

// Set takes the value; a list may be given in parts.
func (f *settingFlag) Set(value string) error {
	if before := f.set[f.key.Name]; before != "" && f.key.Type == config.List {
		value = before + " " + value
	}
	f.set[f.key.Name] = value
	return nil
}

// ShellQuote makes s one word in a POSIX shell, for commands in hints.
func ShellQuote(s string) string {
	if regexp.MustCompile(`^[a-zA-Z0-9@._:/+-]+$`).MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// enum is a flag that takes one of a few words.
type enum struct {
	value *string
	words []string
}

func (e *enum) String() string { return *e.value }
func (e *enum) Type() string   { return "word" }

func (e *enum) Set(word string) error {
	if !slices.Contains(e.words, word) {
		return fmt.Errorf("%q is not one of %s", word, strings.Join(e.words, ", "))
	}
	*e.value = word
	return nil
}

// DurationFlag adds a flag that takes a duration. value has its default.
func DurationFlag(c *cobra.Command, value *time.Duration, name, help string) {
	c.Flags().DurationVar(value, name, *value, help)
	c.Flags().Lookup(name).DefValue = output.ShortDuration(*value)
}

// wordList returns "a, b or c".
func wordList(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// EnumFlag adds a flag that takes one of words, the first by default, and completes it.
func EnumFlag(c *cobra.Command, value *string, name, help string, words ...string) {
	*value = words[0]
	c.Flags().VarP(&enum{value, words}, name, shorthand(name), help+": "+wordList(words))
	CompleteFlag(c, name, words...)
}

// CompleteFlag makes the shell complete a flag with words, and with no file.
func CompleteFlag(c *cobra.Command, flag string, words ...string) {
	_ = c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}

// OutputFlag adds --output, which takes one of formats, the first by default.
func OutputFlag(c *cobra.Command, value *string, formats ...string) {
	EnumFlag(c, value, "output", "output format", formats...)
	if formats[0] == "auto" {
		c.Flags().Lookup("output").Usage += "; auto is text on a terminal, else JSON"
	}
}

// TokenTypeFlag adds --type, which takes one of kinds, the first by default.
func TokenTypeFlag(c *cobra.Command, value *session.TokenType, kinds ...session.TokenType) {
	var words []string
	for _, kind := range kinds {
		words = append(words, string(kind))
	}
	EnumFlag(c, (*string)(value), "type", "token type", words...)
}

// TokenVariable returns the environment variable for a token of a type, unless the user names one.
func TokenVariable(kind session.TokenType) string {
	return "OKTA_" + strings.ToUpper(string(kind)) + "_TOKEN"
}
