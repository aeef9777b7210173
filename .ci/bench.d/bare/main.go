// Command bare prints a line: what every Go program costs before it does anything.
package main

import "os"

func main() { _, _ = os.Stdout.WriteString("bare\n") }
