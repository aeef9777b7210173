package okauth

// CallPause is how long the error of a call stands.
const CallPause = callPause
