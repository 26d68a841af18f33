# The page in a container: docker compose up --build (docs/hosting.md).
FROM python:3.12-slim

WORKDIR /app
# torch for the CPU. For a GPU build with --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu130 and give the container one.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
COPY requirements.txt requirements-dicom.txt ./
# OpenCV without its windows, which would take 400 MB of a window system along; and no library's own tests, 180 MB.
RUN sed -i 's/^opencv-python>/opencv-python-headless>/' requirements.txt \
 && pip install --no-cache-dir --extra-index-url "$TORCH_INDEX" -r requirements.txt -r requirements-dicom.txt \
 && find /usr/local/lib/python3.12/site-packages -type d -name tests -prune -exec rm -rf {} +

COPY app.py LICENSE ./
COPY echogan ./echogan
COPY checkpoints ./checkpoints
# Compiled now, as the container may not write here. Its user owns nothing but the data and the temporary folder.
RUN python -m compileall -q app.py echogan \
 && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin echogan \
 && install -d -o echogan -g echogan /data

USER 10001:10001
# Bundled models only, and nothing of the visitors' on a disk: /tmp is in memory (compose.yaml).
ENV HF_HUB_OFFLINE=1 \
    HOME=/data \
    MPLCONFIGDIR=/tmp/matplotlib \
    PYTHONDONTWRITEBYTECODE=1 \
    GRADIO_SERVER_NAME=0.0.0.0 \
    GRADIO_SERVER_PORT=7860 \
    ECHOGAN_DATA=/data
EXPOSE 7860
VOLUME /data
HEALTHCHECK --interval=30s --timeout=10s --start-period=300s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/gradio_api/app_id', timeout=9)"]
CMD ["python", "app.py"]
