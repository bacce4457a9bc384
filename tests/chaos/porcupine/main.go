// porcupine checks with github.com/anishathalye/porcupine that what clients saw of registers is linearizable. It shares nothing with the
// checker of tests/sim: neither the server's logs nor the model.
//
//	go run . [-html DIRECTORY] HISTORY    operations, one JSON object a line, as "ensemble_history check --registers" writes them
//
// It ends with status 0 when every register is linearizable, 1 when one is not or cannot be decided in time, 2 when there is no history.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

func main() {
	html := flag.String("html", "", "`directory` for a picture of each register that is not linearizable")
	limit := flag.Duration("limit", time.Minute, "time for one register")
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	file, err := os.Open(flag.Arg(0))
	if err != nil {
		fail(err)
	}
	h, err := readHistory(file)
	if err != nil {
		fail(fmt.Errorf("%s: %w", flag.Arg(0), err))
	}
	if h.total == 0 {
		fail(fmt.Errorf("%s holds no operation: there is nothing to judge", flag.Arg(0)))
	}
	wrong := 0
	for _, name := range h.names {
		result, info := porcupine.CheckOperationsVerbose(register, h.operations[name], *limit)
		if result == porcupine.Ok {
			continue
		}
		wrong++
		verdict := "is NOT linearizable"
		if result == porcupine.Unknown {
			verdict = fmt.Sprintf("could not be decided within %v", *limit)
		}
		fmt.Printf("%s, %d operations, %s\n", name, len(h.operations[name]), verdict)
		if *html != "" {
			picture := filepath.Join(*html, strings.Trim(name, "/")+".html")
			if err := porcupine.VisualizePath(register, info, picture); err != nil {
				fail(err)
			}
			fmt.Println("  ", picture)
		}
	}
	fmt.Printf("%d registers, %d operations (%d of unknown fate): %d registers are not linearizable\n", len(h.names), h.total, h.unknown, wrong)
	if wrong > 0 {
		os.Exit(1)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "porcupine:", err)
	os.Exit(2)
}
