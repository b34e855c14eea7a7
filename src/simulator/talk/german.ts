// What people say to support in German.

import { agent, customer, type Phrasebook, type Subject } from './phrasebook.ts';

const subjects: readonly Subject[] = [
  {
    name: 'Rechnung doppelt abgebucht',
    turns: [
      customer(
        'Guten Tag, auf meinem Kontoauszug sehe ich, dass Sie {amount} in diesem Monat zweimal abgebucht haben.',
        'Hallo, von meiner Karte gingen zwei Zahlungen über {amount} ab, bestellt habe ich aber nur einmal.',
      ),
      agent('Das tut mir leid, {customer}. Ich sehe sofort nach. Haben Sie die Rechnungsnummer zur Hand?'),
      customer('Ja, hier steht {order}.', 'Moment ... {order}, vom {day}'),
      agent('Danke. Zu {order} finde ich tatsächlich zwei Buchungen über {amount}, im Abstand von elf Minuten.'),
      customer(
        'Also bilde ich mir das nicht ein. Wie geht es jetzt weiter?',
        'Gut. Wann bekomme ich den Betrag zurück?',
      ),
      agent('Die zweite Buchung ist storniert. Bei den meisten Banken dauert es drei bis fünf Werktage.'),
      customer('Bekomme ich das schriftlich? Meine Buchhaltung wird danach fragen.'),
      agent('Natürlich. Eine Gutschrift über {amount} ist unterwegs an {email}.'),
    ],
  },
  {
    name: 'Paket nicht angekommen',
    turns: [
      customer(
        'Mein Paket sollte am {day} da sein, und in der Sendungsverfolgung tut sich seitdem nichts.',
        'Ich warte immer noch auf die Bestellung {order}. Seit Tagen steht da nur "unterwegs".',
      ),
      agent('Das lange Warten tut mir leid. Geht es um {order}, nach {city}?'),
      customer('Genau die, ja.', 'Ja, {city} stimmt. Bitte an der zweiten Tür klingeln.'),
      agent('Das Paket wurde heute früh im Depot in {city} erfasst, verloren ist es also nicht.'),
      customer('Ich habe mir dafür einen Tag freigenommen. Kommt es heute noch?'),
      agent('Heute leider nicht mehr. Ich kann morgen ein Zeitfenster von zwei Stunden buchen, ohne Aufpreis.'),
      customer('Morgen zwischen acht und zehn würde gehen.', 'Lieber in den Laden am Bahnhof, bitte.'),
      agent('Erledigt. Sie bekommen eine Nachricht, sobald es losgeht. {product} und Zubehör sind versichert.'),
      customer('Na gut. Und wenn es wieder nicht kommt?'),
      agent('Dann antworten Sie auf diese Nachricht, und wir schicken sofort Ersatz mit einem Kurier.'),
    ],
  },
  {
    name: 'Passwort lässt sich nicht zurücksetzen',
    turns: [
      customer(
        'Ich komme nicht in mein Konto. Den Link habe ich viermal angefordert, und es kommt nichts an.',
        'Ihre E-Mail zum Zurücksetzen kommt nicht, auch nicht im Spam-Ordner.',
      ),
      agent('Das bekommen wir hin. Mit welcher Adresse melden Sie sich an?'),
      customer('{email}'),
      agent('Danke. Ich sehe vier Anfragen von heute. Ihr Anbieter hat alle angenommen, sie hängen wohl dort fest.'),
      customer('Können Sie mir nicht einfach ein neues Passwort geben?', 'Ich muss heute noch hinein. Was geht sonst?'),
      agent('Das darf ich nicht, aber ich kann einen Code an die Nummer schicken, die auf {digits} endet. Soll ich?'),
      customer('Ja, bitte, das ist meine Nummer.'),
      agent('Der Code ist unterwegs. Er gilt zehn Minuten.'),
      customer('Ist da, und ich konnte ein neues Passwort wählen. Ich bin drin!'),
      agent('Sehr gut. Schalten Sie am besten auch die Anmeldung in zwei Schritten ein.'),
    ],
  },
];

export const german: Phrasebook = {
  subjects,
  greetings: {
    call: {
      named: [
        'Vielen Dank für Ihren Anruf, mein Name ist {agent}. Was kann ich für Sie tun?',
        'Guten Tag, Sie sprechen mit {agent}. Wie kann ich Ihnen helfen?',
      ],
      plain: ['Guten Tag, wie kann ich Ihnen helfen?'],
    },
    message: {
      named: ['Guten Tag und danke für Ihre Nachricht. Mein Name ist {agent}, ich kümmere mich darum.'],
      plain: ['Guten Tag, ich sehe mir das an.'],
    },
  },
  asides: {
    any: [
      [
        customer('Dauert das noch lange? Ich muss gleich los.'),
        agent('Höchstens zwei, drei Minuten. Ich beeile mich.'),
      ],
      [
        agent('Einen Moment bitte, das System ist heute etwas langsam.'),
        customer('Kein Problem.', 'Lassen Sie sich Zeit.'),
      ],
      [
        customer('Übrigens, haben Sie noch {email} als meine Adresse?'),
        agent('Ja, {email}. Wenn Sie möchten, ändere ich sie.'),
      ],
    ],
    call: [
      [
        customer('Könnten Sie das bitte noch einmal sagen? Die Verbindung ist schlecht.'),
        agent('Natürlich: Ich bin noch da und habe Ihren Vorgang {ticket} vor mir.'),
      ],
    ],
  },
  handover: [
    customer('Ich möchte lieber mit einem Menschen sprechen.', 'Können Sie mich mit jemandem verbinden?'),
    agent('Hallo {customer}, hier ist {colleague}. Ich habe alles gelesen, Sie müssen es nicht noch einmal erzählen.'),
  ],
  transfer: [
    agent('Dafür ist ein anderes Team zuständig. Ich verbinde Sie mit {colleague}, dort wird das abgeschlossen.'),
    agent('Guten Tag {customer}, hier ist {colleague}. {agent} hat mir Ihren Vorgang {ticket} übergeben.'),
  ],
  waiting: [
    'Hallo? Ist da jemand?',
    'Ich warte jetzt schon eine Weile. Kann sich bitte jemand bei mir melden?',
    'Es ist dringend. Sie erreichen mich auch unter {email}.',
  ],
  farewells: {
    positive: ['Super, vielen Dank für Ihre Hilfe, {helper}.', 'Danke, mehr brauche ich nicht. Wunderbar.'],
    neutral: ['Gut, dann warten wir es ab.', 'In Ordnung. Ich warte dann auf Ihre Nachricht.'],
    negative: [
      'Ehrlich gesagt hatte ich mir mehr erhofft.',
      'Zufrieden bin ich damit nicht. Das hat viel zu lange gedauert.',
    ],
  },
  goodbyes: {
    plain: ['Gern geschehen, {customer}. Einen schönen Tag noch!', 'Danke für Ihre Zeit. Auf Wiederhören!'],
    offering: ['Kann ich sonst noch etwas für Sie tun, {customer}? Wenn nicht, alles Gute!'],
  },
  givenNames: 'Anke,Björn,Carla,Dirk,Elke,Florian,Greta,Heiko,Ida,Jürgen,Karin,Lukas,Mareike,Niklas,Petra,Sönke'.split(
    ',',
  ),
  familyNames:
    'Albrecht,Böhm,Dietrich,Ebert,Fuchs,Graf,Hahn,Jäger,König,Lorenz,Möller,Nagel,Roth,Seidel,Vogt,Winkler'.split(','),
  cities: 'Graz,Köln,Leipzig,Lübeck,Basel,Jena'.split(','),
  products: 'Kaffeemaschine,Schreibtischlampe,Saugroboter,Babyfon,Türschloss'.split(','),
  dayOf: (number) => `${number}.`,
};
