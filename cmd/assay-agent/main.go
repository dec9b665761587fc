// Command assay-agent is the agent that runs on every host.
package main

func main() {}
