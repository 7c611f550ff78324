/** What somebody sees who has typed nothing but the name: the tasks, and where to go on. It fits a small terminal. */
export const OVERVIEW = `skopeo looks at container images and moves them, between registries and files, without a daemon.

  What is in an image, without downloading it?
    skopeo inspect docker://docker.io/library/alpine
    skopeo list-tags docker://docker.io/library/alpine

  From one place to another
    skopeo copy docker://docker.io/library/alpine:3.20 oci:images:alpine
    skopeo copy --all oci:images:alpine docker://registry.example.com/alpine:3.20

  Many images, kept up to date; --plan shows what would change
    skopeo sync --src docker --dest docker --plan docker.io/library/alpine registry.example.com/hub

  Who am I there, and what is used for an image?
    skopeo login registry.example.com
    skopeo config check docker.io/library/alpine

All commands: skopeo --help     One of them: skopeo COMMAND --help
`;
