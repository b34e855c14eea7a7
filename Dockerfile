# The worker as an image: the compiled program, its migrations, the status page's files and production dependencies, without a Postgres of its own.
# Plain syntax: any builder will do. `docker build -t conversation-sync .`

FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Nothing that compiling needs has to be built, so no package gets to run its scripts.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src src
RUN npm run build

FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund

FROM node:24-slim
ENV NODE_ENV=production HTTP_HOST=0.0.0.0 WEBHOOK_HOST=0.0.0.0 CONVERSATION_SYNC_REQUIRE_DATABASE=1
WORKDIR /app
COPY package.json LICENSE ./
COPY --from=dependencies /app/node_modules node_modules
COPY migrations migrations
COPY assets assets
COPY --from=build /app/dist dist
# The image's user `node`, by number: Kubernetes' runAsNonRoot cannot tell by a name.
USER 1000:1000
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "dist/health-check.js"]
# The flags that main.ts gives itself. Given here, it need not start twice.
ENV MALLOC_ARENA_MAX=1
ENTRYPOINT ["node", "--max-semi-space-size=4", "--heap-growing-percent=60", "dist/main.js"]
CMD ["run"]
