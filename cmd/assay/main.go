// Command assay is the service and the operator's command line.
package main

func main() {}
