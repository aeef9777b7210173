module exampleprogram

go 1.26.8

require okauth v0.0.0

replace okauth => ../../../..
