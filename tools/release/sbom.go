package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"regexp"
	"strings"

	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"
)

// epoch is when everything was made, for equal sources give equal bytes.
const epoch = "1970-01-01T00:00:00Z"

var notInIDs = regexp.MustCompile(`[^A-Za-z0-9.-]+`)

// writeBill writes the SPDX document of a program.
func (r *release) writeBill(file, name string, program []byte, m *made) error {
	sum := sha256.Sum256(program)
	digest := hex.EncodeToString(sum[:])
	id := func(parts ...string) common.ElementID {
		return common.ElementID(notInIDs.ReplaceAllString("Package-"+strings.Join(parts, "-"), "-"))
	}
	own := id(name, r.version)
	document := &v2_3.Document{
		SPDXVersion: v2_3.Version, DataLicense: v2_3.DataLicense, SPDXIdentifier: "DOCUMENT",
		DocumentName: strings.TrimSuffix(file, ".spdx.json"),
		// By what it is of: another program has another document.
		DocumentNamespace: homepage + "/spdx/" + digest,
		CreationInfo: &v2_3.CreationInfo{
			Created:  epoch,
			Creators: []common.Creator{{CreatorType: "Organization", Creator: "akv-injector"}},
		},
		Packages: []*v2_3.Package{{
			PackageName: name, PackageSPDXIdentifier: own, PackageVersion: r.version,
			PackageDownloadLocation: homepage, PackageLicenseConcluded: "Apache-2.0", PackageLicenseDeclared: "Apache-2.0",
			PackageCopyrightText:  "NOASSERTION",
			PackageChecksums:      []common.Checksum{{Algorithm: common.SHA256, Value: digest}},
			PrimaryPackagePurpose: "APPLICATION",
		}},
		Relationships: []*v2_3.Relationship{{
			RefA: common.MakeDocElementID("", "DOCUMENT"), RefB: common.MakeDocElementID("", string(own)), Relationship: common.TypeRelationshipDescribe,
		}},
	}
	for _, one := range m.modules {
		version := one.version
		where, url := "https://proxy.golang.org/"+one.path+"/@v/"+version+".zip", "pkg:golang/"+one.path+"@"+version
		if one.path == "std" {
			version = strings.TrimPrefix(version, "go")
			where, url = "https://go.dev/dl/go"+version+".src.tar.gz", "pkg:golang/std@"+version
		}
		this := id(one.path, version)
		document.Packages = append(document.Packages, &v2_3.Package{
			PackageName: one.path, PackageSPDXIdentifier: this, PackageVersion: version,
			PackageDownloadLocation: where, PackageLicenseConcluded: one.license, PackageLicenseDeclared: one.license,
			PackageCopyrightText: "NOASSERTION", PackageComment: goSum(one.sum), PrimaryPackagePurpose: "LIBRARY",
			PackageExternalReferences: []*v2_3.PackageExternalReference{{
				Category: common.CategoryPackageManager, RefType: common.TypePackageManagerPURL, Locator: url,
			}},
		})
		document.Relationships = append(document.Relationships, &v2_3.Relationship{
			RefA: common.MakeDocElementID("", string(own)), RefB: common.MakeDocElementID("", string(this)), Relationship: common.TypeRelationshipContains,
		})
	}
	var out bytes.Buffer
	if err := spdxjson.Write(document, &out, spdxjson.Indent("  ")); err != nil {
		return err
	}
	// It reads as what it was, or it is no SPDX.
	if _, err := spdxjson.Read(bytes.NewReader(out.Bytes())); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return os.WriteFile(r.path(file), out.Bytes(), 0o644)
}

// goSum is a module's checksum in Go's own form, which none of SPDX's is.
func goSum(sum string) string {
	if sum == "" {
		return ""
	}
	return "go.sum: " + sum
}
