package interop;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Properties;

import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * The keys of the party that this peer is: PKCS#12 files for TLS, signing and decryption, and PEM
 * trust anchors.
 */
record Identity(
        String party,
        SSLContext tls,
        PrivateKey signingKey,
        X509Certificate signingCertificate,
        PrivateKey decryptionKey) {

    static Identity load(Properties settings) throws GeneralSecurityException, IOException {
        var password = settings.getProperty("password").toCharArray();
        var signing = store(settings.getProperty("sign"), password);
        var decryption = store(settings.getProperty("decrypt"), password);
        return new Identity(
                settings.getProperty("party"),
                tls(
                        store(settings.getProperty("tls"), password),
                        password,
                        Path.of(settings.getProperty("trust"))),
                key(signing, password),
                (X509Certificate) signing.getCertificate(alias(signing)),
                key(decryption, password));
    }

    private static SSLContext tls(KeyStore own, char[] password, Path anchors)
            throws GeneralSecurityException, IOException {
        var keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(own, password);
        var trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        try (InputStream in = Files.newInputStream(anchors)) {
            for (var certificate :
                    CertificateFactory.getInstance("X.509").generateCertificates(in)) {
                trusted.setCertificateEntry("anchor" + trusted.size(), certificate);
            }
        }
        var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        var context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
        return context;
    }

    private static KeyStore store(String file, char[] password)
            throws GeneralSecurityException, IOException {
        return KeyStore.getInstance(Path.of(file).toFile(), password);
    }

    private static PrivateKey key(KeyStore store, char[] password) throws GeneralSecurityException {
        return (PrivateKey) store.getKey(alias(store), password);
    }

    private static String alias(KeyStore store) throws GeneralSecurityException {
        return store.aliases().nextElement();
    }
}
