package csaf

// Documents in the shape of the published ones, by hand: Red Hat's as described on
// https://redhatproductsecurity.github.io/security-data-guidelines/csaf-vex/ (with the
// examples there for CVE-2023-20593) and .../purl/, 2024 to 2025; the older modular
// relationship as in files of 2021; SUSE's as at https://ftp.suse.com/pub/projects/security/csaf/
// in 2023.
const (
	redhatVEX = `{"document":{"aggregate_severity":{"namespace":"https://access.redhat.com/security/updates/classification/","text":"moderate"},"category":"csaf_vex","csaf_version":"2.0","lang":"en",
"publisher":{"category":"vendor","name":"Red Hat Product Security","namespace":"https://www.redhat.com"},"title":"hw: amd: Cross-Process Information Leak",
"tracking":{"id":"CVE-2023-20593","status":"final","version":"3","initial_release_date":"2023-07-25T06:30:00+00:00","current_release_date":"2024-09-13T20:58:30+00:00"}},
"product_tree":{"branches":[{"category":"vendor","name":"Red Hat","branches":[
 {"category":"product_family","name":"Red Hat Enterprise Linux 6","branches":[{"category":"product_name","name":"Red Hat Enterprise Linux 6","product":{"name":"Red Hat Enterprise Linux 6","product_id":"red_hat_enterprise_linux_6","product_identification_helper":{"cpe":"cpe:/o:redhat:enterprise_linux:6"}}}]},
 {"category":"product_name","name":"r8","product":{"name":"Red Hat Enterprise Linux 8","product_id":"red_hat_enterprise_linux_8","product_identification_helper":{"cpe":"cpe:/o:redhat:enterprise_linux:8"}}},
 {"category":"product_name","name":"r9","product":{"name":"Red Hat Enterprise Linux 9","product_id":"red_hat_enterprise_linux_9","product_identification_helper":{"cpe":"cpe:/o:redhat:enterprise_linux:9"}}},
 {"category":"product_name","name":"e92","product":{"name":"Red Hat Enterprise Linux BaseOS EUS (v.9.2)","product_id":"BaseOS-9.2.0.Z.EUS","product_identification_helper":{"cpe":"cpe:/o:redhat:rhel_eus:9.2::baseos"}}},
 {"category":"product_name","name":"a8","product":{"name":"Red Hat Enterprise Linux AppStream (v. 8)","product_id":"AppStream-8","product_identification_helper":{"cpe":"cpe:/a:redhat:enterprise_linux:8::appstream"}}},
 {"category":"product_version","name":"kernel","product":{"name":"kernel","product_id":"kernel","product_identification_helper":{"purl":"pkg:rpm/redhat/kernel?arch=src"}}},
 {"category":"product_version","name":"kernel-rt","product":{"name":"kernel-rt","product_id":"kernel-rt","product_identification_helper":{"purl":"pkg:rpm/redhat/kernel-rt?arch=src"}}},
 {"category":"product_version","name":"microcode_ctl","product":{"name":"microcode_ctl","product_id":"microcode_ctl","product_identification_helper":{"purl":"pkg:rpm/redhat/microcode_ctl?arch=src"}}},
 {"category":"product_version","name":"linux-firmware","product":{"name":"linux-firmware","product_id":"linux-firmware","product_identification_helper":{"purl":"pkg:rpm/redhat/linux-firmware?arch=src"}}},
 {"category":"product_version","name":"nodejs:18/nodejs","product":{"name":"nodejs:18/nodejs","product_id":"nodejs:18/nodejs"}},
 {"category":"product_version","name":"nodejs:12","product":{"name":"nodejs:12:8030020210101:229f0a1c","product_id":"nodejs:12:8030020210101:229f0a1c","product_identification_helper":{"purl":"pkg:rpmmod/redhat/nodejs@12:8030020210101:229f0a1c"}}},
 {"category":"product_version","name":"x","product":{"name":"openshift4/ose-etcd","product_id":"openshift4/ose-etcd","product_identification_helper":{"purl":"pkg:oci/ose-etcd?repository_url=registry.redhat.io/openshift4/ose-etcd"}}},
 {"category":"architecture","name":"src","branches":[
  {"category":"product_version","name":"k","product":{"name":"kernel-0:5.14.0-284.25.1.el9_2.src","product_id":"kernel-0:5.14.0-284.25.1.el9_2.src","product_identification_helper":{"purl":"pkg:rpm/redhat/kernel@5.14.0-284.25.1.el9_2?arch=src"}}}]},
 {"category":"architecture","name":"x86_64","branches":[
  {"category":"product_version","name":"k","product":{"name":"kernel-0:5.14.0-284.25.1.el9_2.x86_64","product_id":"kernel-0:5.14.0-284.25.1.el9_2.x86_64","product_identification_helper":{"purl":"pkg:rpm/redhat/kernel@5.14.0-284.25.1.el9_2?arch=x86_64"}}},
  {"category":"product_version","name":"p","product":{"name":"perf-1:5.14.0-284.25.1.el9_2.x86_64","product_id":"perf-1:5.14.0-284.25.1.el9_2.x86_64","product_identification_helper":{"purl":"pkg:rpm/redhat/perf@5.14.0-284.25.1.el9_2?arch=x86_64"}}},
  {"category":"product_version","name":"n","product":{"name":"nodejs-1:20.16.0-1.module+el8.10.0+1+a.x86_64","product_id":"nodejs-1:20.16.0-1.module+el8.10.0+1+a.x86_64::nodejs:20","product_identification_helper":{"purl":"pkg:rpm/redhat/nodejs@20.16.0-1.module%2Bel8.10.0%2B1%2Ba?arch=x86_64&epoch=1&rpmmod=nodejs:20:8100020240808073736:489197e6"}}},
  {"category":"product_version","name":"m","product":{"name":"npm-1:6.14.11-1.12.21.0.1.module+el8.3.0+1+b.x86_64","product_id":"npm-1:6.14.11-1.12.21.0.1.module+el8.3.0+1+b.x86_64","product_identification_helper":{"purl":"pkg:rpm/redhat/npm@6.14.11-1.12.21.0.1.module%2Bel8.3.0%2B1%2Bb?arch=x86_64&epoch=1"}}}]},
 {"category":"architecture","name":"aarch64","branches":[
  {"category":"product_version","name":"p","product":{"name":"perf-1:5.14.0-284.25.1.el9_2.aarch64","product_id":"perf-1:5.14.0-284.25.1.el9_2.aarch64","product_identification_helper":{"purl":"pkg:rpm/redhat/perf@5.14.0-284.25.1.el9_2?arch=aarch64&epoch=1"}}}]}
]}],
"relationships":[
 {"category":"default_component_of","full_product_name":{"name":"kernel as a component of Red Hat Enterprise Linux 6","product_id":"red_hat_enterprise_linux_6:kernel"},"product_reference":"kernel","relates_to_product_reference":"red_hat_enterprise_linux_6"},
 {"category":"default_component_of","full_product_name":{"product_id":"red_hat_enterprise_linux_6:microcode_ctl"},"product_reference":"microcode_ctl","relates_to_product_reference":"red_hat_enterprise_linux_6"},
 {"category":"default_component_of","full_product_name":{"product_id":"red_hat_enterprise_linux_9:kernel"},"product_reference":"kernel","relates_to_product_reference":"red_hat_enterprise_linux_9"},
 {"category":"default_component_of","full_product_name":{"product_id":"red_hat_enterprise_linux_9:kernel-rt"},"product_reference":"kernel-rt","relates_to_product_reference":"red_hat_enterprise_linux_9"},
 {"category":"default_component_of","full_product_name":{"product_id":"red_hat_enterprise_linux_9:linux-firmware"},"product_reference":"linux-firmware","relates_to_product_reference":"red_hat_enterprise_linux_9"},
 {"category":"default_component_of","full_product_name":{"product_id":"red_hat_enterprise_linux_8:nodejs:18/nodejs"},"product_reference":"nodejs:18/nodejs","relates_to_product_reference":"red_hat_enterprise_linux_8"},
 {"category":"default_component_of","full_product_name":{"product_id":"red_hat_enterprise_linux_9:openshift4/ose-etcd"},"product_reference":"openshift4/ose-etcd","relates_to_product_reference":"red_hat_enterprise_linux_9"},
 {"category":"default_component_of","full_product_name":{"product_id":"BaseOS-9.2.0.Z.EUS:kernel-0:5.14.0-284.25.1.el9_2.src"},"product_reference":"kernel-0:5.14.0-284.25.1.el9_2.src","relates_to_product_reference":"BaseOS-9.2.0.Z.EUS"},
 {"category":"default_component_of","full_product_name":{"product_id":"BaseOS-9.2.0.Z.EUS:kernel-0:5.14.0-284.25.1.el9_2.x86_64"},"product_reference":"kernel-0:5.14.0-284.25.1.el9_2.x86_64","relates_to_product_reference":"BaseOS-9.2.0.Z.EUS"},
 {"category":"default_component_of","full_product_name":{"product_id":"BaseOS-9.2.0.Z.EUS:perf-1:5.14.0-284.25.1.el9_2.x86_64"},"product_reference":"perf-1:5.14.0-284.25.1.el9_2.x86_64","relates_to_product_reference":"BaseOS-9.2.0.Z.EUS"},
 {"category":"default_component_of","full_product_name":{"product_id":"BaseOS-9.2.0.Z.EUS:perf-1:5.14.0-284.25.1.el9_2.aarch64"},"product_reference":"perf-1:5.14.0-284.25.1.el9_2.aarch64","relates_to_product_reference":"BaseOS-9.2.0.Z.EUS"},
 {"category":"default_component_of","full_product_name":{"product_id":"AppStream-8:nodejs-1:20.16.0-1.module+el8.10.0+1+a.x86_64::nodejs:20"},"product_reference":"nodejs-1:20.16.0-1.module+el8.10.0+1+a.x86_64::nodejs:20","relates_to_product_reference":"AppStream-8"},
 {"category":"default_component_of","full_product_name":{"product_id":"AppStream-8:nodejs:12:8030020210101:229f0a1c"},"product_reference":"nodejs:12:8030020210101:229f0a1c","relates_to_product_reference":"AppStream-8"},
 {"category":"default_component_of","full_product_name":{"product_id":"AppStream-8:nodejs:12:8030020210101:229f0a1c:npm-1:6.14.11-1.12.21.0.1.module+el8.3.0+1+b.x86_64"},"product_reference":"npm-1:6.14.11-1.12.21.0.1.module+el8.3.0+1+b.x86_64","relates_to_product_reference":"AppStream-8:nodejs:12:8030020210101:229f0a1c"}]},
"vulnerabilities":[{"cve":"CVE-2023-20593","cwe":{"id":"CWE-1239","name":"x"},"discovery_date":"2023-05-31T00:00:00+00:00",
"flags":[{"label":"vulnerable_code_not_present","product_ids":["red_hat_enterprise_linux_6:microcode_ctl"]}],
"notes":[{"category":"description","text":"A flaw was found in hw.","title":"Vulnerability description"},{"category":"summary","text":"hw: amd: Cross-Process Information Leak","title":"Vulnerability summary"}],
"product_status":{"fixed":["BaseOS-9.2.0.Z.EUS:kernel-0:5.14.0-284.25.1.el9_2.src","BaseOS-9.2.0.Z.EUS:kernel-0:5.14.0-284.25.1.el9_2.x86_64","BaseOS-9.2.0.Z.EUS:perf-1:5.14.0-284.25.1.el9_2.x86_64","BaseOS-9.2.0.Z.EUS:perf-1:5.14.0-284.25.1.el9_2.aarch64",
 "AppStream-8:nodejs-1:20.16.0-1.module+el8.10.0+1+a.x86_64::nodejs:20","AppStream-8:nodejs:12:8030020210101:229f0a1c:npm-1:6.14.11-1.12.21.0.1.module+el8.3.0+1+b.x86_64"],
"known_affected":["red_hat_enterprise_linux_6:kernel","red_hat_enterprise_linux_8:nodejs:18/nodejs","red_hat_enterprise_linux_9:linux-firmware","red_hat_enterprise_linux_9:kernel-rt","red_hat_enterprise_linux_9:openshift4/ose-etcd","red_hat_enterprise_linux_9:nowhere"],
"known_not_affected":["red_hat_enterprise_linux_6:microcode_ctl"],"under_investigation":["red_hat_enterprise_linux_9:kernel"]},
"references":[{"category":"self","summary":"Canonical URL","url":"https://access.redhat.com/security/cve/CVE-2023-20593"}],
"remediations":[
 {"category":"vendor_fix","date":"2023-08-29T00:00:00+00:00","details":"The system must be rebooted.","product_ids":["BaseOS-9.2.0.Z.EUS:kernel-0:5.14.0-284.25.1.el9_2.src","BaseOS-9.2.0.Z.EUS:kernel-0:5.14.0-284.25.1.el9_2.x86_64","BaseOS-9.2.0.Z.EUS:perf-1:5.14.0-284.25.1.el9_2.x86_64","BaseOS-9.2.0.Z.EUS:perf-1:5.14.0-284.25.1.el9_2.aarch64"],"url":"https://access.redhat.com/errata/RHSA-2023:4789"},
 {"category":"vendor_fix","details":"x","product_ids":["AppStream-8:nodejs-1:20.16.0-1.module+el8.10.0+1+a.x86_64::nodejs:20"],"url":"https://access.redhat.com/errata/RHSA-2024:5815"},
 {"category":"vendor_fix","details":"x","product_ids":["AppStream-8:nodejs:12:8030020210101:229f0a1c:npm-1:6.14.11-1.12.21.0.1.module+el8.3.0+1+b.x86_64"],"url":"https://access.redhat.com/errata/RHSA-2021:0001"},
 {"category":"workaround","details":"","product_ids":["red_hat_enterprise_linux_9:microcode_ctl"]},
 {"category":"no_fix_planned","details":"Out of support scope","product_ids":["red_hat_enterprise_linux_6:kernel"]},
 {"category":"no_fix_planned","details":"Will not fix","product_ids":["red_hat_enterprise_linux_8:nodejs:18/nodejs"]},
 {"category":"none_available","details":"Fix deferred","product_ids":["red_hat_enterprise_linux_9:linux-firmware"]},
 {"category":"none_available","details":"Affected","product_ids":["red_hat_enterprise_linux_9:kernel-rt"]}],
"scores":[{"cvss_v3":{"baseScore":6.5,"baseSeverity":"MEDIUM","vectorString":"CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:C/C:H/I:N/A:N","version":"3.1"},"products":["red_hat_enterprise_linux_6:kernel"]}],
"threats":[{"category":"impact","details":"Moderate","product_ids":["red_hat_enterprise_linux_6:kernel"]},{"category":"impact","details":"Low","product_ids":["red_hat_enterprise_linux_8:nodejs:18/nodejs"]}],
"title":""}]}`

	redhatAdvisory = `{"document":{"aggregate_severity":{"text":"Important"},"category":"csaf_security_advisory","csaf_version":"2.0","publisher":{"name":"Red Hat Product Security"},"title":"Red Hat Security Advisory: etcd","tracking":{"id":"RHSA-2023:0069","initial_release_date":"2023-01-17T00:00:00+00:00","current_release_date":"2023-01-17T00:00:00+00:00"}},
"product_tree":{"branches":[{"category":"vendor","name":"Red Hat","branches":[{"product":{"name":"AppStream","product_id":"AppStream-9","product_identification_helper":{"cpe":"cpe:/a:redhat:enterprise_linux:9::appstream"}}},
{"product":{"name":"etcd","product_id":"etcd-0:3.4.26-3.el9.x86_64","product_identification_helper":{"purl":"pkg:rpm/redhat/etcd@3.4.26-3.el9?arch=x86_64"}}}]}],
"product_groups":[{"group_id":"G","product_ids":["AppStream-9:etcd-0:3.4.26-3.el9.x86_64"]}],
"relationships":[{"category":"default_component_of","full_product_name":{"product_id":"AppStream-9:etcd-0:3.4.26-3.el9.x86_64"},"product_reference":"etcd-0:3.4.26-3.el9.x86_64","relates_to_product_reference":"AppStream-9"}]},
"vulnerabilities":[{"cve":"CVE-2023-0296","product_status":{"fixed":["AppStream-9:etcd-0:3.4.26-3.el9.x86_64"]},"remediations":[{"category":"vendor_fix","url":"https://access.redhat.com/errata/RHSA-2023:0069","product_ids":["AppStream-9:etcd-0:3.4.26-3.el9.x86_64"]}]},
{"cve":"CVE-2023-0297","product_status":{"known_not_affected":["AppStream-9:etcd-0:3.4.26-3.el9.x86_64"]},"flags":[{"label":"component_not_present","group_ids":["G"]}]}]}`

	suse = `{"document":{"aggregate_severity":{"namespace":"https://www.suse.com/support/security/rating/","text":"important"},"category":"csaf_security_advisory","csaf_version":"2.0","publisher":{"name":"SUSE Product Security Team"},"title":"Security update for openssl-1_1","tracking":{"id":"SUSE-SU-2023:2571-1","initial_release_date":"2023-06-21T12:48:07Z","current_release_date":"2023-06-21T12:48:07Z"}},
"product_tree":{"branches":[{"category":"vendor","name":"SUSE","branches":[
{"category":"architecture","name":"x86_64","branches":[{"category":"product_version","name":"libopenssl1_1-1.1.1l-150500.17.3.1.x86_64","product":{"name":"libopenssl1_1-1.1.1l-150500.17.3.1.x86_64","product_id":"libopenssl1_1-1.1.1l-150500.17.3.1.x86_64"}}]},
{"category":"architecture","name":"s390x","branches":[{"category":"product_version","name":"x","product":{"name":"libopenssl1_1-1.1.1l-150500.17.3.1.s390x","product_id":"libopenssl1_1-1.1.1l-150500.17.3.1.s390x"}}]},
{"category":"product_family","name":"SUSE Linux Enterprise","branches":[{"category":"product_name","name":"SUSE Linux Enterprise Server 15 SP5","product":{"name":"SUSE Linux Enterprise Server 15 SP5","product_id":"SUSE Linux Enterprise Server 15 SP5","product_identification_helper":{"cpe":"cpe:/o:suse:sles:15:sp5"}}},
{"category":"product_name","name":"openSUSE Leap 15.5","product":{"name":"openSUSE Leap 15.5","product_id":"openSUSE Leap 15.5","product_identification_helper":{"cpe":"cpe:/o:opensuse:leap:15.5"}}}]}]}],
"relationships":[
{"category":"default_component_of","full_product_name":{"name":"x","product_id":"SUSE Linux Enterprise Server 15 SP5:libopenssl1_1-1.1.1l-150500.17.3.1.x86_64"},"product_reference":"libopenssl1_1-1.1.1l-150500.17.3.1.x86_64","relates_to_product_reference":"SUSE Linux Enterprise Server 15 SP5"},
{"category":"default_component_of","full_product_name":{"name":"x","product_id":"SUSE Linux Enterprise Server 15 SP5:libopenssl1_1-1.1.1l-150500.17.3.1.s390x"},"product_reference":"libopenssl1_1-1.1.1l-150500.17.3.1.s390x","relates_to_product_reference":"SUSE Linux Enterprise Server 15 SP5"},
{"category":"default_component_of","full_product_name":{"name":"x","product_id":"openSUSE Leap 15.5:libopenssl1_1-1.1.1l-150500.17.3.1.x86_64"},"product_reference":"libopenssl1_1-1.1.1l-150500.17.3.1.x86_64","relates_to_product_reference":"openSUSE Leap 15.5"}]},
"vulnerabilities":[{"cve":"CVE-2023-2650","ids":[{"system_name":"SUSE CVE Page","text":"https://www.suse.com/security/cve/CVE-2023-2650"}],"notes":[{"category":"general","text":"Issue summary","title":"CVE description"}],
"product_status":{"recommended":["SUSE Linux Enterprise Server 15 SP5:libopenssl1_1-1.1.1l-150500.17.3.1.x86_64","SUSE Linux Enterprise Server 15 SP5:libopenssl1_1-1.1.1l-150500.17.3.1.s390x","openSUSE Leap 15.5:libopenssl1_1-1.1.1l-150500.17.3.1.x86_64"]},
"remediations":[{"category":"vendor_fix","details":"To install this SUSE Security Update use YaST.","product_ids":["SUSE Linux Enterprise Server 15 SP5:libopenssl1_1-1.1.1l-150500.17.3.1.x86_64"]}],
"threats":[{"category":"impact","date":"2023-06-21T12:48:07Z","details":"important"}],"title":"CVE-2023-2650"}]}`
)
