"""What opens a door goes, in every spelling that a program would read; everything else of an address stays."""

from __future__ import annotations

import pytest

from provenance.sources.privacy.credentials import REMOVED, clean

S = "s3cr3tP4ss"

REMOVES = {
    "user and password": (f"https://alice:{S}@example.org/x?id=3", "https://[removed]@example.org/x?id=3"),
    "a token as user": (f"https://{S}@github.com/org/x.git", "https://[removed]@github.com/org/x.git"),
    "a machine with a token": (f"https://git:{S}@github.com/x", "https://[removed]@github.com/x"),
    "another scheme": (f"git+ssh://bob:{S}@host/x", "git+ssh://[removed]@host/x"),
    "as scp writes it": (f"alice:{S}@host.org:/data", "[removed]@host.org:/data"),
    "behind a plus sign": (f"bot (+https://u:{S}@h.org/x)", "bot (+https://[removed]@h.org/x)"),
    "IPv6": (f"https://[2001:db8::1]:80/x?sig={S}&id=5#page", "https://[2001:db8::1]:80/x?sig=[removed]&id=5#page"),
    "without a scheme": (f"//u:{S}@host/x", "//[removed]@host/x"),
    "upper case": (f"HTTPS://U:{S}@HOST/X?SIG={S}", "HTTPS://[removed]@HOST/X?SIG=[removed]"),
    "semicolons": (f"https://h/x?a=1;sig={S};b=2", "https://h/x?a=1;sig=[removed];b=2"),
    "entities": (f"https://h/x?a=1&amp;sig={S}&amp;b=2", "https://h/x?a=1&amp;sig=[removed]&amp;b=2"),
    "an encoded name": (f"https://h/x?%73ig={S}&b=2", "https://h/x?%73ig=[removed]&b=2"),
    "twice": (f"https://h/x?sig={S}&sig={S}&b=2", "https://h/x?sig=[removed]&sig=[removed]&b=2"),
    "in the path": (f"https://h/p;jsessionid={S}?id=1", "https://h/p;jsessionid=[removed]?id=1"),
    "in the fragment": (f"https://h/x#access_token={S}&state=1", "https://h/x#access_token=[removed]&state=1"),
    "camel case": (f"https://h/x?accessToken={S}", "https://h/x?accessToken=[removed]"),
    "brackets": (f"https://h/x?filter[token]={S}", "https://h/x?filter[token]=[removed]"),
    "in an address inside": (f"https://h/x?u=https%3A%2F%2Fa%3A{S}%40h%2Fy&z=1", "https://h/x?u=https://[removed]@h/y&z=1"),
    "encoded twice": (f"https://h/x?u=https%253A%252F%252Fa%253A{S}%2540h%252Fy&z=1", "https://h/x?u=https://[removed]@h/y&z=1"),
    "in an archive's address": (f"https://web.archive.org/web/2020/https://u:{S}@h/y?id=9", "https://web.archive.org/web/2020/https://[removed]@h/y?id=9"),
    "in prose": (f"see (https://h/x?sig={S}). and", "see (https://h/x?sig=[removed]). and"),
    "backslashes": (f"https:\\\\u:{S}@h\\x", "https:\\\\[removed]@h\\x"),
    "no slashes": (f"https:u:{S}@h/x", "https:[removed]@h/x"),
    "wholly encoded": (f"https%3A%2F%2Fu%3A{S}%40h%2Fx", "https://[removed]@h/x"),
    "a password with a slash": (f"postgres://u:{S}/#?x@host/db", "postgres://[removed]@host/db"),
    "Amazon": (f"https://h/x?X-Amz-Signature={S}&X-Amz-Expires=60&versionId=a", "https://h/x?X-Amz-Signature=[removed]&X-Amz-Expires=[removed]&versionId=a"),
    "Azure": (f"https://h/f?sv=2020-08-04&se=1&sr=b&sp=r&sig={S}", "https://h/f?sv=[removed]&se=[removed]&sr=[removed]&sp=[removed]&sig=[removed]"),
    "CloudFront": (f"https://h/f?Expires=1&Policy={S}&Key-Pair-Id={S}", "https://h/f?Expires=[removed]&Policy=[removed]&Key-Pair-Id=[removed]"),
    "an ambiguous name": (f"https://h/x?code={S}&sid={S}&token={S}&key={S}", "https://h/x?code=[removed]&sid=[removed]&token=[removed]&key=[removed]"),
    "beside a signature": (f"https://h/x?sig={S}&policy=open", "https://h/x?sig=[removed]&policy=[removed]"),
    "Dropbox": (f"https://www.dropbox.com/scl/fi/a/x.zip?rlkey={S}&st=ab12cd&dl=0", "https://www.dropbox.com/scl/fi/a/x.zip?rlkey=[removed]&st=[removed]&dl=0"),
    "Discord": (f"https://cdn.discordapp.com/attachments/1/2/x.zip?ex=65a1&is=65b2&hm={S}", "https://cdn.discordapp.com/attachments/1/2/x.zip?ex=[removed]&is=[removed]&hm=[removed]"),
    "SharePoint": (f"https://x.sharepoint.com/:u:/g/p/a/EabcdE?e={S}", "https://x.sharepoint.com/:u:/g/p/a/EabcdE?e=[removed]"),
    "OneDrive": (f"https://onedrive.live.com/redir?cid=1&e={S}", "https://onedrive.live.com/redir?cid=1&e=[removed]"),
    "secure_link": (f"https://h.org/file?st={S}&e=1700000000", "https://h.org/file?st=[removed]&e=[removed]"),
    "secure_link with md5": (f"https://h.org/file?md5={S}&expires=1700000000", "https://h.org/file?md5=[removed]&expires=[removed]"),
    "a setting": (f"aws_secret_access_key {S}/{S}", "aws_secret_access_key [removed]"),
    "netrc": (f"machine h.org login jane password {S}", "machine h.org login [removed] password [removed]"),
    "login and password": (f"login jane password {S}", "login [removed] password [removed]"),
    "curl without a space": (f"curl -uU:{S} https://h/", "curl -u[removed] https://h/"),
    "unzip": (f"unzip -q -P {S} x.zip", "unzip -q -P [removed] x.zip"),
    "7z": (f"7z x -p{S} x.7z", "7z x -p[removed] x.7z"),
    "mysql": (f"mysql -u root -p{S} db", "mysql -u root -p[removed] db"),
    "of an archive": (f"The password for the archive is {S}.", "The password for the archive is [removed]."),
    "of an archive, with a mark": (f"Password (for zip): {S}", "Password (for zip): [removed]"),
    "pw": (f"pw: {S}", "pw: [removed]"), "German": (f"Passwort: {S}", "Passwort: [removed]"),
    "German, said": (f"das Passwort ist {S}.", "das Passwort ist [removed]."),
    "French": (f"mot de passe : {S}", "mot de passe : [removed]"), "Spanish": (f"contraseña: {S}", "contraseña: [removed]"),
    "Spanish, said": (f"la contraseña es {S}", "la contraseña es [removed]"), "Portuguese": (f"senha = {S}", "senha = [removed]"),
    "Russian": (f"пароль: {S}", "пароль: [removed]"), "Japanese": (f"パスワード：{S}", "パスワード：[removed]"),
    "Chinese, said": (f"密码是{S}", "密码是[removed]"), "Chinese, another": (f"口令: {S}", "口令: [removed]"), "Korean": (f"비밀번호: {S}", "비밀번호: [removed]"),
    "a value nobody named": ("https://h/x?zz=Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op8Qr9St0Uv1Wx2Yz3Ab4Cd", "https://h/x?zz=[removed]"),
    "JDBC": (f"jdbc:postgresql://h:5432/db?user=alice&password={S}", "jdbc:postgresql://h:5432/db?user=[removed]&password=[removed]"),
    "SQL Server": (f"jdbc:sqlserver://h:1433;database=d;password={S};", "jdbc:sqlserver://h:1433;database=d;password=[removed];"),
    "Oracle": (f"jdbc:oracle:thin:scott/{S}@//h:1521/s", "jdbc:oracle:thin:[removed]@//h:1521/s"),
    "Mongo": (f"mongodb+srv://a:{S}@c0.x.net/db?authSource=admin", "mongodb+srv://[removed]@c0.x.net/db?authSource=admin"),
    "Redis": (f"redis://:{S}@h:6379/0", "redis://[removed]@h:6379/0"),
    "Go": (f"user:{S}@tcp(h:3306)/db", "[removed]@tcp(h:3306)/db"),
    "a bucket": (f"s3://KEY:{S}/x+y@bucket/p", "s3://[removed]@bucket/p"),
    "a connection string": (f"Server=h;User Id=sa;Password={S};", "Server=h;User Id=sa;Password=[removed];"),
    "an account key": (f"AccountName=x;AccountKey={S}==;EndpointSuffix=y", "AccountName=x;AccountKey=[removed];EndpointSuffix=y"),
    "a header": (f"Authorization: Bearer {S}", "Authorization: [removed]"),
    "a command": (f"curl -u alice:{S} https://h/", "curl -u [removed] https://h/"),
    "JSON": (f'{{"password": "{S}"}}', '{"password": [removed]}'),
    "XML": (f"<password>{S}</password>", "<password>[removed]</password>"),
    "an environment": (f"AWS_SECRET_ACCESS_KEY={S}", "AWS_SECRET_ACCESS_KEY=[removed]"),
    "Chinese": (f"提取码：{S}", "提取码：[removed]"),
    "a shared drive": (f"https://pan.baidu.com/s/1a?pwd={S}", "https://pan.baidu.com/s/1a?pwd=[removed]"),
    "said": (f"the password is {S}", "the password is [removed]"),
    "a webhook": (f"https://hooks.slack.com/services/T0/B0/{S}", "https://hooks.slack.com/services/[removed]"),
    "Hugging Face": ("use hf_abcdefghijklmnopqrstuvwx.", "use [removed]."),
    "GitHub": ("ghp_abcdefghijklmnopqrst0123", "[removed]"),
    "an access key": ("AKIAIOSFODNN7EXAMPLE", "[removed]"),
    "JWT": ("eyJhbGciOi.eyJzdWIiOi.abc-def", "[removed]"),
    "a private key": (f"a\n-----BEGIN RSA PRIVATE KEY-----\n{S}\n-----END RSA PRIVATE KEY-----\nb", "a\n[removed]\nb"),
    "a private key cut short": (f"-----BEGIN PRIVATE KEY-----\n{S}", "[removed]"),
}  # fmt: skip

KEEPS = [
    "git@github.com:org/x.git", "ssh://git@github.com/org/x", "https://h/x?id=3&sp=4&sv=2", "https://h:8080/@x",
    "https://docs.google.com/uc?export=download&id=1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms",
    "https://github.com/org/x/blob/main/a.md#L10-L20", "https://medium.com/@jane/article-1",
    "https://h/x?doi=10.5281/zenodo.1234567&page=3", "http://creativecommons.org/licenses/by/4.0/", "CC-BY-4.0",
    "image:3.9@sha256:abcdef", "org/name@v1.2", "arXiv:2101.00027", "the tokens: 3 billion", "Token count: 512",
    "password: required", "https://h/r?uuid=123e4567-e89b-12d3-a456-426614174000", "s3://bucket/p?versionId=abc",
    f"https://h/x?hash={'0f' * 32}", f"https://h/x?file={'0f' * 32}", "hf://datasets/a/b@main/x.parquet",
    "https://h/x?code=EN", "https://h/x?code=83-C", "https://h/x?sid=LDC2020T01", "https://h/x?policy=open", "https://h/x?session=2021-fall",
    "https://h/x?primary_key=id&sort_key=name&foreign_key=1", "https://h/x?key=title", "https://h/cgi?token=the", "https://h/x?exp=3",
    "https://h/oai?verb=ListRecords&resumptionToken=abc", f"https://h/x?resumptionToken={S}{S}", "https://h/x?next_page_token=abc", "token is 50257 ids",
    "docker://img@sha256:abcdef", "https://h/x?u=a&e=1&st=abc", "https://h/x?hash=abc&exp=3", "https://h/x?ex=1&is=2",
    "The password for the archive is required.", "the user needs a password here", "Das Passwort ist erforderlich.", "user name and password",
    "-u https://h/x", "mkdir -p data/x", "zip -r x.zip data", "the secret of internationalization", "the password is not known", "tar -xp file",
    "https://h/caf%C3%A9?q=a%20b&u=https%3A%2F%2Fh%2Fy%3Fid%3D4", "a // comment", "no licence in 1,234 of 5,678 records",
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), REMOVES.values(), ids=REMOVES)
def test_what_opens_a_door_is_removed(text, expected):
    assert clean(text) == expected
    assert clean(expected) == expected
    assert S not in expected
    assert REMOVED in expected


@pytest.mark.parametrize("text", KEEPS)
def test_everything_else_stays(text):
    assert clean(text) == text
