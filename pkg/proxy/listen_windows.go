package proxy

// privately calls create: the access list of the directory decides.
func privately(create func()) { create() }
