//go:build race

package okauth_test

const raceDetector = true
