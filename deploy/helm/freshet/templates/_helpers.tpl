{{- define "freshet.name" -}}
{{- if contains "freshet" .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-freshet" .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "freshet.selector" -}}
app.kubernetes.io/name: freshet
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "freshet.labels" -}}
{{ include "freshet.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | quote }}
{{- end -}}

{{- define "freshet.settings" -}}
{{- $own := dict "host" "0.0.0.0" "port" 4437 -}}
{{- if .Values.redis.url -}}
{{- if regexMatch "^[a-z-]+://[^@/]*:[^@/]*@" .Values.redis.url -}}
{{- fail "redis.url has a password. Put it into a Secret, and name that as redis.passwordSecret." -}}
{{- end -}}
{{- if contains "sentinel-password=" .Values.redis.url -}}
{{- fail "redis.url has a password. Put it into a Secret, and name that as redis.sentinelPasswordSecret." -}}
{{- end -}}
{{- $_ := set $own "store" .Values.redis.url -}}
{{- if .Values.redis.passwordSecret -}}
{{- $_ := set $own "redis-password-file" "/etc/freshet/redis/password" -}}
{{- end -}}
{{- if .Values.redis.sentinelPasswordSecret -}}
{{- $_ := set $own "redis-sentinel-password-file" "/etc/freshet/sentinels/password" -}}
{{- end -}}
{{- else -}}
{{- $_ := set $own "data" "/var/lib/freshet" -}}
{{- end -}}
{{- if .Values.keys.secret -}}
{{- $_ := set $own "keys" "/etc/freshet/keys/keys" -}}
{{- else if .Values.open -}}
{{- $_ := set $own "open" true -}}
{{- else -}}
{{- fail "Name a Secret with a keys file as keys.secret, or set open to let everybody in." -}}
{{- end -}}
{{- merge $own .Values.settings | toYaml -}}
{{- end -}}
