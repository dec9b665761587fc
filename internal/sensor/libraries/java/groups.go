package java

import "strings"

// groups are the groups of artifacts that are published without Maven's
// description, as they are on Maven Central. What ends in a hyphen is the beginning
// of a name.
var groups = map[string]string{
	"spring-aop": springFramework, "spring-aspects": springFramework, "spring-beans": springFramework, "spring-context": springFramework,
	"spring-context-support": springFramework, "spring-core": springFramework, "spring-expression": springFramework,
	"spring-instrument": springFramework, "spring-jcl": springFramework, "spring-jdbc": springFramework, "spring-jms": springFramework,
	"spring-messaging": springFramework, "spring-orm": springFramework, "spring-oxm": springFramework, "spring-r2dbc": springFramework,
	"spring-tx": springFramework, "spring-web": springFramework, "spring-webflux": springFramework, "spring-webmvc": springFramework,
	"spring-websocket": springFramework,

	"spring-boot": "org.springframework.boot", "spring-boot-": "org.springframework.boot",
	"spring-security-": "org.springframework.security", "spring-integration-": "org.springframework.integration",
	"spring-batch-": "org.springframework.batch", "spring-kafka": "org.springframework.kafka", "spring-session-": "org.springframework.session",
	"tomcat-embed-": "org.apache.tomcat.embed",
	"asm":           "org.ow2.asm", "asm-": "org.ow2.asm", "ecj": "org.eclipse.jdt",
	"kafka-clients": "org.apache.kafka", "lucene-": "org.apache.lucene", "elasticsearch": "org.elasticsearch",
	"kotlin-stdlib": "org.jetbrains.kotlin", "kotlin-stdlib-": "org.jetbrains.kotlin",
	"okhttp": "com.squareup.okhttp3", "okio": "com.squareup.okio", "okio-jvm": "com.squareup.okio",
	"bcprov-": bouncyCastle, "bcpkix-": bouncyCastle, "bcutil-": bouncyCastle, "bcpg-": bouncyCastle, "bcmail-": bouncyCastle, "bctls-": bouncyCastle,
}

const (
	springFramework = "org.springframework"
	bouncyCastle    = "org.bouncycastle"
)

func groupOf(name string) string {
	if group, ok := groups[name]; ok {
		return group
	}
	// The longest beginning that ends in a hyphen.
	for at := strings.LastIndexByte(name, '-'); at > 0; at = strings.LastIndexByte(name[:at], '-') {
		if group, ok := groups[name[:at+1]]; ok {
			return group
		}
	}
	return ""
}

// tomcat are the archives in the lib folder of an installed Tomcat, and which
// artifacts they are. Advisories call the whole of it org.apache.tomcat:tomcat.
var tomcat = map[string][]string{
	"catalina":         {"org.apache.tomcat:tomcat-catalina", "org.apache.tomcat:tomcat"},
	"catalina-ha":      {"org.apache.tomcat:tomcat-catalina-ha"},
	"catalina-tribes":  {"org.apache.tomcat:tomcat-tribes"},
	"jasper":           {"org.apache.tomcat:tomcat-jasper"},
	"tomcat-coyote":    {"org.apache.tomcat:tomcat-coyote"},
	"tomcat-dbcp":      {"org.apache.tomcat:tomcat-dbcp"},
	"tomcat-jdbc":      {"org.apache.tomcat:tomcat-jdbc"},
	"tomcat-util":      {"org.apache.tomcat:tomcat-util"},
	"tomcat-websocket": {"org.apache.tomcat:tomcat-websocket"},
}
