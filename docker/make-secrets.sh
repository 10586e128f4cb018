#!/bin/sh
# Draws the passwords that compose.cluster.yml needs, once, readable by their owner alone.
set -eu
umask 077
cd "$(dirname "$0")"
if [ -e cluster.env ]; then
    echo "docker/cluster.env is there already; nothing was changed" >&2
    exit 1
fi
openssl rand -hex 24 > postgres.password
openssl rand -hex 24 > redis.password
database="postgresql+psycopg2://airflow:$(cat postgres.password)@postgres/airflow"
cat > spark-defaults.conf <<END
spark.authenticate true
spark.authenticate.secret $(openssl rand -hex 32)
spark.ui.killEnabled false
END
cat > cluster.env <<END
AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=$database
AIRFLOW__CELERY__RESULT_BACKEND=db+$(echo "$database" | sed 's/+psycopg2//')
AIRFLOW__CELERY__BROKER_URL=redis://:$(cat redis.password)@redis:6379/0
AIRFLOW__CORE__FERNET_KEY=$(openssl rand -base64 32 | tr '+/' '-_')
AIRFLOW__API__SECRET_KEY=$(openssl rand -hex 32)
AIRFLOW__API_AUTH__JWT_SECRET=$(openssl rand -hex 32)
END
