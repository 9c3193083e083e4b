# A small image for CPUs: docker build --tag gan-lightning . && docker run --rm gan-lightning check
# Runs stay outside:      docker run --rm --volume "$PWD/runs:/home/gan/runs" gan-lightning train data=digits
FROM python:3.11-slim

RUN useradd --create-home gan
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY conf conf
COPY src src
# torch without CUDA, whose libraries are 3 GB
RUN pip install --no-cache-dir --extra-index-url https://download.pytorch.org/whl/cpu '.[export,optuna,video]' && rm -r /src/*

USER gan
WORKDIR /home/gan
RUN mkdir runs
ENTRYPOINT ["gan-lightning"]
CMD ["--help"]
