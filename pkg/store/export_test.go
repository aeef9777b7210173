package store

const IndexAccount = indexAccount

var (
	EncodeSession = encodeSession
	DecodeSession = decodeSession
	IsASCII       = isASCII
)
