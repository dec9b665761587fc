// Package fetch brings a file from a web server that may be slow, broken or not what
// it says it is. A file is taken wholly or not at all; what was already there when a
// transfer broke is gone on with, if the server still has the same.
//
// It knows nothing of advisories. Package feeds says what is fetched and checks what
// came.
package fetch
