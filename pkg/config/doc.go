// Package config says who we are and where we sign in.
//
// A setting comes from the first of four layers that has it: a flag, an
// environment variable, the chosen profile in the configuration file, a
// default. [Load] reads them all once and returns [Settings], in which every
// value remembers its [Source], so that an error or `config list` can say
// where a value is to be mended.
//
// The file is read through Viper, behind a strict decoder that knows every
// key. It is written by another path altogether, [File], which changes one
// entry of the YAML text and leaves the rest as its author wrote it: what came
// from a flag or the environment has no way into the file.
//
// Secrets are not values. A [SecretRef] is a promise to read one later, from the
// environment, a file or a command; nothing in this package prints what it
// yields, and no [Error] quotes it.
package config
