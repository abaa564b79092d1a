// Renders a Helm chart as Helm does, with the same libraries for templates, functions and YAML, and without a cluster.
//
//	render CHART RELEASE NAMESPACE [VALUES...]
//
// Each VALUES is a YAML file that is laid over the chart's own. Prints the manifests on standard output, and NOTES.txt on standard error.
package main

import (
	"bytes"
	"fmt"
	"io/ioutil"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"sigs.k8s.io/yaml"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func read(path string) map[string]interface{} {
	text, err := ioutil.ReadFile(path)
	check(err)
	values := map[string]interface{}{}
	check(yaml.Unmarshal(text, &values))
	return values
}

// Lays one set of values over another: maps are merged, all else is replaced, and null takes away.
func lay(over, under map[string]interface{}) map[string]interface{} {
	for name, value := range over {
		above, isMap := value.(map[string]interface{})
		below, wasMap := under[name].(map[string]interface{})
		switch {
		case value == nil:
			delete(under, name)
		case isMap && wasMap:
			under[name] = lay(above, below)
		default:
			under[name] = value
		}
	}
	return under
}

func main() {
	chart, release, namespace := os.Args[1], os.Args[2], os.Args[3]
	values := read(filepath.Join(chart, "values.yaml"))
	for _, path := range os.Args[4:] {
		values = lay(read(path), values)
	}
	// The chart's file is written in lower case and read in upper case.
	about := map[string]interface{}{}
	for name, value := range read(filepath.Join(chart, "Chart.yaml")) {
		about[strings.ToUpper(name[:1])+name[1:]] = value
	}

	set := template.New("chart").Option("missingkey=zero")
	functions := sprig.TxtFuncMap()
	delete(functions, "env")
	delete(functions, "expandenv")
	functions["include"] = func(name string, data interface{}) (string, error) {
		var out bytes.Buffer
		err := set.ExecuteTemplate(&out, name, data)
		return out.String(), err
	}
	functions["required"] = func(message string, value interface{}) (interface{}, error) {
		if text, isText := value.(string); value == nil || isText && text == "" {
			return nil, fmt.Errorf("%s", message)
		}
		return value, nil
	}
	functions["toYaml"] = func(value interface{}) string {
		text, err := yaml.Marshal(value)
		check(err)
		return strings.TrimSuffix(string(text), "\n")
	}
	set.Funcs(functions)

	paths, err := filepath.Glob(filepath.Join(chart, "templates", "*"))
	check(err)
	sort.Strings(paths)
	for _, path := range paths {
		text, err := ioutil.ReadFile(path)
		check(err)
		_, err = set.New(filepath.Base(path)).Parse(string(text))
		check(err)
	}
	data := map[string]interface{}{
		"Values":  values,
		"Chart":   about,
		"Release": map[string]interface{}{"Name": release, "Namespace": namespace, "Service": "Helm", "IsInstall": true},
	}
	notes := ""
	for _, path := range paths {
		name := filepath.Base(path)
		if strings.HasPrefix(name, "_") {
			continue
		}
		var out bytes.Buffer
		check(set.ExecuteTemplate(&out, name, data))
		// A map that lacks what is asked of it.
		text := strings.ReplaceAll(out.String(), "<no value>", "")
		if name == "NOTES.txt" {
			notes = text
		} else if strings.TrimSpace(text) != "" {
			fmt.Printf("---\n# %s\n%s\n", name, text)
		}
	}
	fmt.Fprint(os.Stderr, notes)
}
