# The image of Tocsin. docs/deployment.md says how it is used.
FROM node:24.22.3-bookworm-slim AS build
WORKDIR /source
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY . .
RUN node scripts/production-tree.mjs /opt/tocsin && mkdir /var/lib/tocsin

FROM node:24.22.3-bookworm-slim
COPY --from=build /opt/tocsin /opt/tocsin
# Only the embedded database writes files, and only here.
COPY --from=build --chown=1000:1000 /var/lib/tocsin /var/lib/tocsin
ENV NODE_ENV=production TOCSIN_API_HOST=0.0.0.0 TOCSIN_MANAGEMENT_PORT=9042 TOCSIN_DATABASE_DATA_DIR=/var/lib/tocsin
USER 1000:1000
WORKDIR /opt/tocsin
EXPOSE 8042
ENTRYPOINT ["node", "--disallow-code-generation-from-strings", "/opt/tocsin/build/src/main.js"]
CMD ["serve", "--quiet"]
