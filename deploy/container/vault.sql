-- The key store's database, made at the first start. Where it matters it is another server's.
CREATE DATABASE tongxing_vault OWNER tongxing ENCODING 'UTF8' TEMPLATE template0;
