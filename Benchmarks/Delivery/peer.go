// The peer in Go: its own HTTP server, a goroutine and a flush for each subscriber and event.
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"sync"
)

var (
	lock        sync.RWMutex
	subscribers = map[chan []byte]struct{}{}
)

func subscribe(response http.ResponseWriter, request *http.Request) {
	events := make(chan []byte, 1024)
	response.Header().Set("Content-Type", "text/event-stream")
	response.Header().Set("Cache-Control", "no-cache")
	// Before the head: whoever has that is given every event.
	lock.Lock()
	subscribers[events] = struct{}{}
	lock.Unlock()
	io.WriteString(response, ": ok\n\n")
	response.(http.Flusher).Flush()
	defer func() {
		lock.Lock()
		delete(subscribers, events)
		lock.Unlock()
	}()
	for {
		select {
		case event := <-events:
			response.Write(event)
			response.(http.Flusher).Flush()
		case <-request.Context().Done():
			return
		}
	}
}

func publish(response http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		response.WriteHeader(http.StatusBadRequest)
		return
	}
	event := []byte(fmt.Sprintf("data: %s\n\n", body))
	lock.RLock()
	for events := range subscribers {
		// One that does not take does not stop the rest; the load has at most sixteen events on their way.
		select {
		case events <- event:
		default:
		}
	}
	lock.RUnlock()
	response.WriteHeader(http.StatusNoContent)
}

func main() {
	http.HandleFunc("/events", subscribe)
	http.HandleFunc("/publish", publish)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
}
