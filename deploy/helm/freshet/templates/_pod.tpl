{{- define "freshet.pod" -}}
{{- $drain := index .Values.settings "drain-deadline-seconds" | default 20 -}}
metadata:
  labels:
    {{- include "freshet.labels" . | nindent 4 }}
  annotations:
    # Other settings are another pod.
    checksum/settings: {{ include "freshet.settings" . | sha256sum }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  automountServiceAccountToken: false
  # Longer than the pause before the end and the drain together.
  terminationGracePeriodSeconds: {{ add .Values.preStopSeconds (ceil $drain) 10 }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile: {type: RuntimeDefault}
  {{- with .Values.image.pullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: freshet
      image: {{ printf "%s:%s" (required "Push the image to a registry, and name it as image.repository." .Values.image.repository) (.Values.image.tag | default .Chart.AppVersion) | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args: [serve, --config, /etc/freshet/freshet.yaml]
      {{- with .Values.env }}
      env:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      ports:
        - {name: http, containerPort: 4437}
      # A large log is read before the first request is answered: five minutes.
      startupProbe:
        httpGet: {path: /health, port: http}
        periodSeconds: 2
        failureThreshold: 150
      readinessProbe:
        httpGet: {path: /health, port: http}
        periodSeconds: 5
      # Not /health: a server that drains is alive, and one that lost its directory is not mended by a restart.
      livenessProbe:
        tcpSocket: {port: http}
        periodSeconds: 10
        failureThreshold: 6
      {{- with .Values.preStopSeconds }}
      lifecycle:
        preStop:
          sleep: {seconds: {{ . }}}
      {{- end }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      volumeMounts:
        {{- if not .Values.redis.url }}
        - {name: streams, mountPath: /var/lib/freshet}
        {{- end }}
        - {name: settings, mountPath: /etc/freshet/freshet.yaml, subPath: freshet.yaml, readOnly: true}
        {{- if .Values.keys.secret }}
        - {name: keys, mountPath: /etc/freshet/keys, readOnly: true}
        {{- end }}
        {{- if .Values.redis.passwordSecret }}
        - {name: redis, mountPath: /etc/freshet/redis, readOnly: true}
        {{- end }}
        {{- if .Values.redis.sentinelPasswordSecret }}
        - {name: sentinels, mountPath: /etc/freshet/sentinels, readOnly: true}
        {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  volumes:
    - name: settings
      configMap:
        name: {{ include "freshet.name" . }}
    {{- if .Values.keys.secret }}
    - name: keys
      secret:
        secretName: {{ .Values.keys.secret }}
        defaultMode: 0440
    {{- end }}
    {{- if .Values.redis.passwordSecret }}
    - name: redis
      secret:
        secretName: {{ .Values.redis.passwordSecret }}
        defaultMode: 0440
    {{- end }}
    {{- if .Values.redis.sentinelPasswordSecret }}
    - name: sentinels
      secret:
        secretName: {{ .Values.redis.sentinelPasswordSecret }}
        defaultMode: 0440
    {{- end }}
{{- end -}}
