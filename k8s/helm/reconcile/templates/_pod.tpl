{{/* The pod of a workload. Call with a dict of root, component, args, secret, resources, and suffix of its ConfigMaps. */}}
{{- define "reconcile.pod" -}}
serviceAccountName: {{ include "reconcile.fullname" .root }}-{{ .component }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- if ne .component "controller" }}
restartPolicy: Never
{{- end }}
terminationGracePeriodSeconds: {{ ternary 30 60 (eq .component "drift") }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile:
    type: RuntimeDefault
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .root.Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
containers:
  - name: reconcile
    image: {{ include "reconcile.image" .root | quote }}
    imagePullPolicy: {{ .root.Values.image.pullPolicy }}
    workingDir: /workspace
    args:
      {{- toYaml .args | nindent 6 }}
    env:
      - name: RECONCILE_TERMINATION_LOG
        value: /dev/termination-log
      {{- if .root.Values.tls.caConfigMap }}
      - name: PGSSLMODE
        value: verify-full
      - name: PGSSLROOTCERT
        value: /etc/reconcile/tls/ca.crt
      {{- end }}
    {{- if eq .component "controller" }}
    ports:
      - name: http
        containerPort: 8080
        protocol: TCP
    startupProbe:
      httpGet: {path: /startupz, port: http}
      periodSeconds: 2
      failureThreshold: 60
    livenessProbe:
      httpGet: {path: /livez, port: http}
      periodSeconds: 10
      timeoutSeconds: 3
      failureThreshold: 3
    readinessProbe:
      httpGet: {path: /readyz, port: http}
      periodSeconds: 10
      timeoutSeconds: 3
      failureThreshold: 3
    {{- end }}
    terminationMessagePolicy: FallbackToLogsOnError
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities:
        drop: [ALL]
    resources:
      {{- toYaml .resources | nindent 6 }}
    volumeMounts:
      - name: schema
        mountPath: /workspace/schema
        readOnly: true
      - name: plans
        mountPath: /workspace/plans/{{ .root.Values.target }}
        readOnly: true
      - name: settings
        mountPath: /workspace/reconcile.yaml
        subPath: reconcile.yaml
        readOnly: true
      - name: database
        mountPath: /etc/reconcile/database
        readOnly: true
      - name: tmp
        mountPath: /tmp
      {{- if .root.Values.tls.caConfigMap }}
      - name: ca
        mountPath: /etc/reconcile/tls
        readOnly: true
      {{- end }}
      {{- if .root.Values.signatures.configMap }}
      - name: signers
        mountPath: /etc/reconcile/signers
        readOnly: true
      {{- end }}
volumes:
  - name: schema
    configMap:
      name: {{ include "reconcile.configMap" (dict "root" .root "part" "schema" "suffix" .suffix) }}
  - name: plans
    configMap:
      name: {{ include "reconcile.configMap" (dict "root" .root "part" "plans" "suffix" .suffix) }}
  - name: settings
    configMap:
      name: {{ include "reconcile.configMap" (dict "root" .root "part" "settings" "suffix" .suffix) }}
  - name: database
    secret:
      secretName: {{ .secret }}
      defaultMode: 0440
      items:
        - key: url
          path: url
  - name: tmp
    emptyDir:
      sizeLimit: 1Gi
  {{- with .root.Values.tls.caConfigMap }}
  - name: ca
    configMap:
      name: {{ . }}
  {{- end }}
  {{- with .root.Values.signatures.configMap }}
  - name: signers
    configMap:
      name: {{ . }}
  {{- end }}
{{- end -}}

{{- define "reconcile.podMetadata" -}}
labels:
  {{- include "reconcile.labels" (dict "root" .root "component" .component) | nindent 2 }}
  {{- with .root.Values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- if or .root.Values.podAnnotations .checksum }}
annotations:
  {{- with .checksum }}
  checksum/source: {{ . }}
  {{- end }}
  {{- with .root.Values.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "reconcile.podFailurePolicy" -}}
podReplacementPolicy: Failed
podFailurePolicy:
  rules:
    - action: FailJob
      onExitCodes:
        containerName: reconcile
        operator: In
        values: {{ . }}
    - action: Ignore
      onPodConditions:
        - type: DisruptionTarget
          status: "True"
{{- end -}}
